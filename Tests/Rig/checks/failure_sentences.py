"""failure-sentences: every failed call says why, on the page and in the log, within its time."""

import time
from dataclasses import replace
from datetime import datetime

from ..box import PASSWORD
from ..browser import Moment, PhonePage
from ..capture import Capture
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

SENTENCE_GOAL_SECONDS = 2.0
NO_ANSWER_SECONDS = 60
NO_REPLY_YET_SECONDS = 4
TIMER_B_SECONDS = 32
FEWEST_WORDS = 4


def run(report: Report, fault: Fault | None) -> None:
    account = Account()
    if broken_by(fault, "swapped-answers"):
        account = replace(account, busy=account.unknown, unknown=account.busy)
    with open_rig(account=account) as rig:
        if fault is not None:
            rig.account = Account()
            _rejected(rig, report, rig.phone(), "busy", rig.account.busy, "call.busy", b"486")
            return
        # The sixty seconds of ringing pass in a tab of their own, while others fail faster.
        patient = rig.phone()
        dialled = patient.dial(rig.account.rings)
        patient.wait_for_state("ringing", "early", seconds=5)
        phone = rig.phone()
        _rejected(rig, report, phone, "busy", rig.account.busy, "call.busy", b"486")
        _rejected(rig, report, phone, "wrong-number", rig.account.unknown, "call.wrong-number", b"404")
        _no_answer(rig, report, patient, dialled)
        _silent(rig, report, phone)
        _unreachable(rig, report, phone)
    with open_rig(trunk_password="not the password", registered=False) as rig:
        _wrong_password(rig, report)


def _rejected(rig: Rig, report: Report, phone: PhonePage, name: str, number: str, code: str, status: bytes) -> None:
    phone.forget()
    with Capture(rig.network.box) as capture:
        phone.dial(number)
        phone.wait_for_state("idle", "ended", seconds=10)
        problem = phone.wait_for_problem(r"^call\.", 3)
    causes = [
        packet.time
        for packet in capture.datagrams
        if packet.payload.startswith(b"SIP/2.0 4") and packet.payload[8:11] not in (b"401", b"407")
    ]
    if not causes:
        raise RigError(f"the provider refused nothing after {number} was dialled")
    report.equal(f"{name}-code", problem.code, code, f"provider said {status.decode()}")
    _report_sentence(rig, report, name, problem, causes[0])


def _no_answer(rig: Rig, report: Report, phone: PhonePage, dialled: float) -> None:
    remaining = max(1.0, dialled + NO_ANSWER_SECONDS + 10 - time.time())
    problem = phone.wait_for_problem(r"^call\.no-answer$", remaining)
    report.within(
        "no-answer-after",
        problem.time - dialled,
        NO_ANSWER_SECONDS - 1,
        NO_ANSWER_SECONDS + SENTENCE_GOAL_SECONDS,
        "s",
        problem.text,
    )
    _report_sentence(rig, report, "no-answer", problem, dialled + NO_ANSWER_SECONDS)
    rig.rings.wait_for("CALL_CLOSED", 5)
    phone.page.close()


def _silent(rig: Rig, report: Report, phone: PhonePage) -> None:
    phone.forget()
    rig.network.carrier.drop("udp dport 5060")
    dialled = phone.dial(rig.account.answers)
    notice = phone.wait_for_problem(r"no-reply|not-replied|silent", NO_REPLY_YET_SECONDS + 10)
    report.within(
        "no-reply-yet-after", notice.time - dialled, NO_REPLY_YET_SECONDS - 0.5,
        NO_REPLY_YET_SECONDS + SENTENCE_GOAL_SECONDS, "s", f"{notice.code}: {notice.text}",
    )  # fmt: skip
    end = phone.wait_for_problem(r"^call\.provider-silent$", TIMER_B_SECONDS + 10)
    report.within(
        "provider-silent-after",
        end.time - dialled,
        TIMER_B_SECONDS - 1,
        TIMER_B_SECONDS + SENTENCE_GOAL_SECONDS,
        "s",
        end.text,
    )
    _report_sentence(rig, report, "provider-silent", end, dialled + TIMER_B_SECONDS)
    rig.network.carrier.undrop()


def _unreachable(rig: Rig, report: Report, phone: PhonePage) -> None:
    phone.wait_for_state("idle", "ended", seconds=5)
    phone.forget()
    rig.carrier.stop()
    # The first datagram to a closed port is answered by an ICMP error at once.
    dialled = phone.dial(rig.account.answers)
    problem = phone.wait_for_problem(r"^call\.", 10)
    report.equal(
        "provider-unreachable-code", problem.code, "call.provider-unreachable", "the provider's port is closed"
    )
    _report_sentence(rig, report, "provider-unreachable", problem, dialled)


def _wrong_password(rig: Rig, report: Report) -> None:
    rig.box.wait_for_trunk("failed", 10)
    opened = time.time()
    phone = rig.browser.sign_in(PASSWORD)
    phone.wait_for_trunk("failed", 5)
    shown = phone.page.get_by_test_id("trunk-problem").inner_text(timeout=2000)
    report.at_least("wrong-password-trunk-words", len(shown.split()), FEWEST_WORDS, "words", shown)
    log = wait_until(lambda: _logged(rig, "password-wrong", 0), 2, "the wrong password in the log")
    report.at_least("wrong-password-log-words", len(log.split()), FEWEST_WORDS, "words", log[-120:])
    phone.wait_for_state("idle", "ended", "", seconds=3)
    phone.forget()
    dialled = phone.dial(rig.account.answers)
    problem = phone.wait_for_problem(r"password-wrong", 5)
    _report_sentence(rig, report, "wrong-password", problem, max(dialled, opened))


def _report_sentence(rig: Rig, report: Report, name: str, problem: Moment, cause: float) -> None:
    """A plain sentence on the page and a line with the same code in the log, both in time."""
    if problem.code in problem.text or len(problem.text.split()) < FEWEST_WORDS:
        raise RigError(f"{name}: the page says {problem.text!r}, which is no sentence")
    line = wait_until(lambda: _logged(rig, problem.code, cause), 3, f"{problem.code} in the log")
    report.at_most(f"{name}-on-page", problem.time - cause, SENTENCE_GOAL_SECONDS, "s after its cause", problem.text)
    logged = datetime.fromisoformat(line.partition(" ")[0]).timestamp()
    report.at_most(f"{name}-in-log", logged - cause, SENTENCE_GOAL_SECONDS, "s after its cause", line[-140:])


def _logged(rig: Rig, code: str, after: float) -> str | None:
    """The log's last line with this code, when it is a sentence and no more than 0.5 s older than `after`."""
    for line in reversed(rig.box.log_text().splitlines()):
        stamp, _, rest = line.partition(" ")
        if code in rest and len(rest.split()) >= FEWEST_WORDS:
            return line if datetime.fromisoformat(stamp).timestamp() > after - 0.5 else None
    return None


CHECK = Check(
    "failure-sentences",
    "Busy, wrong number, no answer, provider silent or gone, wrong password: a sentence on page and in log, in time.",
    run,
    (
        Fault(
            "swapped-answers", "The provider says 404 for the busy number and 486 for the unknown one.", ("busy-code",)
        ),
    ),
)
