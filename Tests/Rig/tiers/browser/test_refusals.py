"""A number that the box does not dial: the page says which rule that is and what to do, in the user's language."""

import pytest

from Rig.rig import open_rig

PREMIUM = "0900 1234567"


@pytest.mark.parametrize(
    ("language", "sentence", "remedy"),
    [
        ("en", "Premium-rate numbers are not allowed on this box.", "set allow_premium under [dialling]"),
        ("de", "Sonderrufnummern sind auf dieser Box nicht erlaubt.", "setzen Sie allow_premium unter [dialling]"),
    ],
)
def test_a_refusal_is_shown_with_sentence_and_remedy(language: str, sentence: str, remedy: str) -> None:
    with open_rig() as rig:
        rig.browser.context.add_init_script(f"localStorage.setItem('sipcall.language', '{language}')")
        phone = rig.phone()
        phone.dial(PREMIUM)
        problem = phone.wait_for_problem(r"^dial\.premium-not-allowed$", 5)
        assert sentence in problem.text
        assert remedy in problem.text
