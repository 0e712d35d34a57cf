"""The journal of an installed box explains itself, tells each call's story, and keeps silent about who was called."""

from Box.calls import dial, hang_up
from Box.floods import calls, signalling
from Box.journal import JournalMark
from Box.machine import Machine
from Rig.deadlines import wait_until
from Rig.rig import Rig

FLOOD_RATE, FLOOD_SECONDS = 2000, 3
MOST_LINES_OF_A_FLOOD = 60


def test_journalctl_explains_a_problem_in_the_reader_s_language(rig: Rig, boxed: Machine) -> None:
    mark, process = JournalMark(boxed), boxed.main_process("sipcall-web")
    boxed.run("kill", "-SEGV", str(process))
    mark.wait_for("ended by SIGSEGV", "--unit=sipcall-web")
    explained = ["journalctl", "--no-pager", "--quiet", "--catalog", "--boot", "SIPCALL_CODE=box.crashed"]
    english = boxed.output(*explained)
    assert "Subject: A part of the box crashed and was started again" in english and "What to do:" in english
    # Catalogs go by the locale's name, which has to be there: this machine has no other than C.
    boxed.shell("cp -r /usr/lib/locale/C.utf8 /usr/lib/locale/de_DE.utf8")
    german = boxed.output("env", "LANG=de_DE.UTF-8", *explained)
    assert "Subject: Ein Teil der Anlage ist abgestürzt und läuft wieder" in german and "Abhilfe:" in german
    boxed.shell("rm -r /var/lib/sipcall/web/crashes")


def test_a_call_has_a_story_of_its_own_and_no_number_is_in_the_journal(rig: Rig, boxed: Machine) -> None:
    mark = JournalMark(boxed)
    phone = rig.phone("?codec=pcmu&dsp=off")
    for _ in range(2):
        dial(rig, phone)
        hang_up(rig, phone)
        phone.forget()
    phone.page.close()
    calls = list(dict.fromkeys(str(entry["SIPCALL_CALL"]) for entry in mark.entries() if "SIPCALL_CALL" in entry))
    assert len(calls) == 2, calls
    story = boxed.output("journalctl", "--no-pager", "--quiet", "--output=cat", f"SIPCALL_CALL={calls[0]}")
    places = [story.find(words) for words in ("A call is wanted.", "Dialling.", "The call was answered.", "The call ended.")]
    assert -1 not in places and places == sorted(places), story
    assert calls[1] not in story
    whole = boxed.output("journalctl", "--no-pager", "--quiet", "--all", "--output=json")
    numbers = (rig.account.answers, rig.account.number)
    # As dialled, and as any other way of writing them ends.
    assert [number for number in numbers if number[-7:] in whole] == []
    assert rig.account.password not in whole and rig.box.password not in whole


def test_a_flood_adds_few_lines(rig: Rig, boxed: Machine) -> None:
    mark = JournalMark(boxed)
    sent = signalling(rig.network.carrier, FLOOD_RATE, FLOOD_SECONDS)
    wanted = calls(rig.network.carrier, FLOOD_RATE, FLOOD_SECONDS)
    wait_until(lambda: not rig.box.in_use(), 40, "the box to let go of the flood's calls")
    lines = [line for part in ("core", "web") for line in mark.lines(f"--unit=sipcall-{part}")]
    print(f"{len(lines)} lines for {sent} requests of strangers and {wanted} calls of the provider: {lines[:3]}")
    assert min(sent, wanted) >= 1000
    assert len(lines) <= MOST_LINES_OF_A_FLOOD, lines[:10]
