"""The message flows that are played with sipp, each declared: the far side's file, what the page does and is told."""

from ..provider import double, lose
from .stage import (
    Scenario,
    Step,
    answers,
    asks,
    becomes,
    dials,
    ended,
    hangs_up,
    is_rung,
    lasts,
    provider_vanishes,
    rings,
    sounds,
)

HERE, THERE = "call.hung-up-here", "call.hung-up-there"
_TALK: tuple[Step, ...] = (dials, becomes("active"))
_EARLY: tuple[Step, ...] = (dials, becomes("ringing"), sounds, becomes("early"))
_HANG_UP: tuple[Step, ...] = (hangs_up, ended(HERE))
_TALK_AND_END = (*_TALK, lasts(0.3), *_HANG_UP)
_INVITES = ("box", "^INVITE")

OUTBOUND = (
    Scenario("answered", "answers", _TALK_AND_END),
    Scenario("hung-up-there", "hangs-up", (*_TALK, ended(THERE))),
    Scenario("183-without-media", "183-without-media", _TALK_AND_END),
    Scenario("183-with-media", "183-with-media", (*_EARLY, becomes("active"), *_HANG_UP)),
    Scenario("181-182", "181-182", (dials, becomes("ringing"), becomes("active"), *_HANG_UP)),
    Scenario("forked-early", "forked-early", _TALK_AND_END),
    Scenario("forked-answers", "forked-answers", (*_TALK, lasts(0.7), *_HANG_UP), passed=(("box", "^BYE", 2),)),
    Scenario("prack", "prack", (*_EARLY, becomes("active"), *_HANG_UP)),
    Scenario("update-early", "update-early", (*_EARLY, becomes("active"), *_HANG_UP)),
    Scenario("update", "update", (*_TALK, lasts(0.5), *_HANG_UP)),
    Scenario("held-by-sendonly", "held-by-sendonly", (*_TALK, lasts(1.2), *_HANG_UP)),
    Scenario("held-by-inactive", "held-by-inactive", (*_TALK, lasts(1.2), *_HANG_UP)),
    Scenario("held-by-c-0.0.0.0", "held-by-hold-0", (*_TALK, lasts(1.2), *_HANG_UP)),
    Scenario("t38-refused", "t38", (*_TALK, lasts(0.7), *_HANG_UP)),
    Scenario("422", "422", _TALK_AND_END, passed=((*_INVITES, 2),)),
    Scenario("302-refused", "302", (dials, ended("call.redirected")), passed=((*_INVITES, 1),)),
    Scenario("407", "407", _TALK_AND_END, passed=((*_INVITES, 2),)),
    Scenario("407-elsewhere", "407-elsewhere", (dials, ended("call.realm-foreign")), passed=((*_INVITES, 1),)),
    Scenario("401-on-bye", "401-on-bye", _TALK_AND_END, passed=(("box", "^BYE", 2),)),
    Scenario("404", "404", (dials, ended("call.wrong-number"))),
    Scenario("480", "480", (dials, ended("call.unavailable"))),
    Scenario("486", "486", (dials, ended("call.busy"))),
    Scenario("488", "488", (dials, ended("call.no-common-codec"))),
    Scenario("500", "500", (dials, ended("call.provider-fault"))),
    Scenario("503-retry-after", "503", (dials, ended("call.provider-overloaded")), passed=((*_INVITES, 1),)),
    Scenario("603", "603", (dials, ended("call.declined"))),
    Scenario("cancelled", "cancelled", (dials, becomes("ringing"), *_HANG_UP)),
    Scenario("late-cancel", "late-cancel", (dials, becomes("ringing"), *_HANG_UP)),
    Scenario("bye-before-ack", "bye-before-ack", (dials, ended(THERE)), lambda: (lose("^ACK"),)),
    Scenario("481", "481", (*_TALK, lasts(0.5), *_HANG_UP)),
    Scenario("transfer-refused", "refer", (*_TALK, lasts(0.5), *_HANG_UP)),
    Scenario(
        "lost-ack",
        "answers",
        (*_TALK, lasts(1.2), *_HANG_UP),
        lambda: (lose("^ACK", 1),),
        repeated=(("box", "^ACK", 2),),
    ),
    Scenario("lost-200", "answers", _TALK_AND_END, lambda: (lose("^SIP/2.0 200 .* INVITE", 1),)),
    Scenario(
        "lost-invite", "answers", _TALK_AND_END, lambda: (lose("^INVITE", 2),), ((*_INVITES, 1),), ((*_INVITES, 3),)
    ),
    Scenario(
        "lost-bye", "answers", _TALK_AND_END, lambda: (lose("^BYE", 1),), (("box", "^BYE", 1),), (("box", "^BYE", 2),)
    ),
    Scenario("everything-twice", "answers", _TALK_AND_END, lambda: (double(),)),
    Scenario("everything-twice-prack", "prack", (dials, becomes("active"), *_HANG_UP), lambda: (double(),)),
    Scenario("everything-twice-there", "hangs-up", (*_TALK, ended(THERE)), lambda: (double(),)),
    Scenario("vanishes", "vanishes", (*_TALK, lasts(0.2), provider_vanishes, *_HANG_UP)),
)

INBOUND = (
    Scenario("in-answered", "calls", (rings, answers, becomes("active"), ended(THERE)), calls_box=True),
    Scenario("in-hung-up", "is-hung-up", (rings, answers, becomes("active"), lasts(0.3), *_HANG_UP), calls_box=True),
    Scenario("in-declined", "is-declined", (rings, hangs_up), calls_box=True),
    Scenario("in-cancelled", "gives-up", (is_rung, ended("call.cancelled")), calls_box=True),
    Scenario(
        "in-100rel", "calls-reliably", (rings, lasts(0.5), answers, becomes("active"), ended(THERE)), calls_box=True
    ),
    Scenario("in-bye-before-ack", "calls-hastily", (rings, answers, ended(THERE)), calls_box=True),
    Scenario("in-422", "calls-too-briefly", (), calls_box=True),
    Scenario("in-without-offer", "calls-without-offer", (rings, answers, ended(THERE)), calls_box=True),
    Scenario("in-everything-twice", "calls", (rings, answers, ended(THERE)), lambda: (double(),), calls_box=True),
    Scenario(
        "in-lost-200",
        "calls",
        (rings, answers, ended(THERE)),
        lambda: (lose("^SIP/2.0 200 .* INVITE", 1),),
        calls_box=True,
    ),
)

OUR_CHANGES = (
    Scenario(
        "hold",
        "holds",
        (*_TALK, asks("call.hold", held=True), lasts(0.5), asks("call.hold", held=False), lasts(0.5), *_HANG_UP),
    ),
    Scenario("glare", "glare", (*_TALK, asks("call.hold", held=True), lasts(5.5), *_HANG_UP), seconds=15),
)

TRANSFERS = (
    Scenario(
        "transferred", "is-transferred", (*_TALK, asks("call.transfer", to="+4930606060"), ended("call.transferred"))
    ),
    Scenario(
        "transfer-fails", "transfer-fails", (*_TALK, asks("call.transfer", to="+4930606060"), lasts(0.8), *_HANG_UP)
    ),
)

OVER_STREAMS = (
    "answered",
    "prack",
    "held-by-sendonly",
    "forked-answers",
    "302-refused",
    "late-cancel",
)
"""Played again over TCP."""

EVERYWHERE = ("answered", "hung-up-there", "407", "held-by-sendonly", "hold", "in-answered", "in-hung-up")
"""Played again over every transport and both families: calls both ways, ended by either side, digest, held by either side."""
