// Runs in the page before its own scripts: finds the page's parts through shadow roots, records what the page showed and when,
// and what arrived on the remote track, sample by sample.
(() => {
    if (window.rig) return;

    /** The first element that matches, in the document or in any open shadow root. */
    const find = (selector, root = document) => {
        const hit = root.querySelector(selector);
        if (hit) return hit;
        for (const element of root.querySelectorAll('*')) {
            const inner = element.shadowRoot && find(selector, element.shadowRoot);
            if (inner) return inner;
        }
        return null;
    };
    const part = (name) => find(`[data-testid="${name}"]`);
    const now = () => Date.now() / 1000;
    const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    /** What a part says; null while it is absent or hidden. */
    const seen = (name) => {
        const element = part(name);
        if (!element || element.hidden) return null;
        return { state: element.dataset.state ?? '', code: element.dataset.code ?? '', text: element.textContent.trim() };
    };

    const timeline = [];
    const last = {};
    const watch = () => {
        for (const name of ['state', 'problem', 'trunk']) {
            const current = JSON.stringify(seen(name));
            if (current !== last[name]) {
                last[name] = current;
                timeline.push({ time: now(), name, ...(JSON.parse(current) ?? { state: '', code: '', text: '' }) });
            }
        }
    };
    setInterval(watch, 5);

    const state = () => part('state')?.dataset.state ?? '';
    const until = async (condition, seconds, what) => {
        const end = performance.now() + seconds * 1000;
        while (!condition()) {
            if (performance.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}; state is "${state()}"`);
            await sleep(2);
        }
        return now();
    };
    const click = (name) => {
        const element = part(name);
        if (!element) throw new Error(`the page has no ${name}`);
        element.click();
        return now();
    };
    const type = (name, text) => {
        const element = part(name);
        if (!element) throw new Error(`the page has no ${name}`);
        element.value = text;
        element.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
        element.dispatchEvent(new Event('change', { bubbles: true, composed: true }));
    };

    /** Puts an ended call away, so that a number can be dialled. */
    const clear = async () => {
        await until(() => ['idle', 'ended'].includes(state()), 10, 'an idle page');
        if (!part('number')) part('close')?.click();
        await until(() => part('number') && part('call'), 5, 'the dialler');
    };
    const dial = async (number) => {
        await clear();
        type('number', number);
        return click('call');
    };
    const press = (key) => {
        let element = find(`[data-key="${key}"]`);
        if (element && !element.checkVisibility()) part('keypad')?.click();
        element = find(`[data-key="${key}"]`);
        if (!element) throw new Error(`the page has no key ${key}`);
        element.click();
        return now();
    };

    // Every connection of the page, and what its remote tracks carry.
    const peers = [];
    const recordings = [];
    let recording = true;
    const listen = async (track) => {
        const kept = { track, rate: 0, chunks: [], begin: 0, first: 0, stopped: false };
        recordings.push(kept);
        const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
        for (;;) {
            const { value: frame, done } = await reader.read();
            if (done) break;
            if (recording && kept.chunks.length < 12000) {
                const samples = new Float32Array(frame.numberOfFrames);
                frame.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
                if (kept.rate !== frame.sampleRate) kept.begin = kept.chunks.length;
                kept.rate = frame.sampleRate;
                kept.first ||= now();
                kept.chunks.push(samples);
            }
            frame.close();
        }
    };
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
        constructor(...parameters) {
            super(...parameters);
            peers.push(this);
            if (peers.length > 8) peers.shift();
            this.addEventListener('track', (event) => {
                if (recording && event.track.kind === 'audio') listen(event.track).catch((error) => timeline.push({ time: now(), name: 'capture', state: '', code: '', text: String(error) }));
            });
        }
    };

    /** The last connection's statistics that matter here. */
    const statistics = async () => {
        const peer = peers.at(-1);
        if (!peer) return null;
        const found = { state: peer.connectionState, ice: peer.iceConnectionState, received: 0, sent: 0, codec: '', sending: '', srtp: '', dtls: '' };
        const report = await peer.getStats();
        for (const entry of report.values()) {
            if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
                found.received = entry.packetsReceived;
                found.codec = report.get(entry.codecId)?.mimeType ?? '';
                found.lost = entry.packetsLost;
                found.concealed = entry.concealedSamples;
            } else if (entry.type === 'outbound-rtp' && entry.kind === 'audio') {
                found.sent = entry.packetsSent;
                found.sending = report.get(entry.codecId)?.mimeType ?? '';
            } else if (entry.type === 'transport') {
                found.srtp = entry.srtpCipher ?? '';
                found.dtls = entry.dtlsState ?? '';
            }
        }
        return found;
    };

    /** What the page plays, or played last, as base64 of 16-bit samples: the last `seconds`, or all of it. */
    const recorded = (seconds) => {
        const played = find('audio')?.srcObject?.getTracks() ?? [];
        const kept = recordings.find(({ track }) => played.includes(track)) ?? recordings.at(-1);
        if (!kept || !kept.chunks.length) return null;
        // The last seconds are of one rate, also when the codec has just changed it.
        const chunks = seconds ? kept.chunks.slice(kept.begin) : kept.chunks;
        const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        const wanted = seconds ? Math.min(size, Math.round(seconds * kept.rate)) : size;
        const bytes = new DataView(new ArrayBuffer(wanted * 2));
        let index = wanted - size;
        for (const chunk of chunks) {
            for (const sample of chunk) {
                if (index >= 0) bytes.setInt16(index * 2, Math.max(-32768, Math.min(32767, Math.round(sample * 32767))), true);
                index += 1;
            }
        }
        let text = '';
        const raw = new Uint8Array(bytes.buffer);
        for (let at = 0; at < raw.length; at += 8192) text += String.fromCharCode(...raw.subarray(at, at + 8192));
        return { rate: kept.rate, first: kept.first, samples: btoa(text) };
    };

    /** Makes `count` calls one after the other; each is talked for `seconds` and hung up here. */
    const callRepeatedly = async (number, count, seconds) => {
        const done = { calls: 0, failures: [] };
        window.rig.progress = done;
        while (done.calls + done.failures.length < count) {
            try {
                await dial(number);
                await until(() => state() === 'active', 15, 'the answer');
                const before = (await statistics())?.received ?? 0;
                await sleep(seconds * 1000);
                const after = (await statistics())?.received ?? 0;
                click('hangup');
                await until(() => ['idle', 'ended'].includes(state()), 5, 'the end of the call');
                if (after > before) done.calls += 1;
                else done.failures.push('no packet came during the call');
            } catch (error) {
                done.failures.push(String(error.message ?? error));
                part('hangup')?.click();
                await sleep(200);
            }
        }
        return done;
    };

    const forget = async () => {
        if (state() === 'ended') await clear();
        recordings.length = 0; timeline.length = 0; for (const name in last) delete last[name];
    };
    window.rig = {
        find, part, seen, state, timeline, until, click, dial, press, statistics, recorded, callRepeatedly, forget, now,
        record: (wanted) => { recording = wanted; },
    };
})();
