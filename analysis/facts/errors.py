"""The one kind of error that a user can mend: something that was typed or put into the data folder."""


class InputError(ValueError):
    """Input that cannot be used; the message says where it stands and what is allowed."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception how to print it; the reader of a notebook needs the message, not our stack.
        return str(self).splitlines()
