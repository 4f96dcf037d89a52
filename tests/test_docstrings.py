"""The first line of a docstring, for people."""

from avqa_core.docstrings import summary


def silent() -> None:
    pass


def test_the_first_line_comes_without_marks_of_code() -> None:
    def documented() -> None:
        """Ask ``layer`` twice.

        The rest is for programmers.
        """

    assert summary(documented) == "Ask layer twice."
    assert summary(silent) == ""


def test_a_class_does_not_speak_with_the_words_of_its_parent() -> None:
    class Parent:
        """Do nothing."""

    class Child(Parent):
        pass

    assert summary(Child) == ""
