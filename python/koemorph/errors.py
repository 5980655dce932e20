"""What can go wrong, as exceptions whose text is a sentence for the user."""

from typing import NoReturn


class KoemorphError(Exception):
    """Base of every error that KoeMorph raises on purpose; the command line prints its text."""


class AudioError(KoemorphError):
    """Audio is missing, unreadable or of a kind that cannot be animated."""


class ModelError(KoemorphError):
    """A model is missing, not a KoeMorph model, or cannot be run here."""


class StreamError(KoemorphError):
    """A stream was used in a state that does not allow the call, e.g. pushed to after flush."""


class OutputError(KoemorphError):
    """A result cannot be written where it was asked for."""


class DataError(KoemorphError):
    """A data set, recording or settings file is missing or inconsistent."""


class MissingExtraError(KoemorphError):
    """An optional part of KoeMorph is not installed; the text names the pip extra."""


def refuse_without_extra(command: str, extra: str, error: ModuleNotFoundError) -> NoReturn:
    """Raise what a failed import means for a command: MissingExtraError where the package is one
    that the pip extra brings, `error` itself where the module is KoeMorph's own.
    """
    if (error.name or "").startswith("koemorph"):
        raise error
    raise MissingExtraError(
        f"`{command}` needs the package {error.name}: "
        f'install it with pip install "koemorph[{extra}]".'
    ) from error
