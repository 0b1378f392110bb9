"""cvae-export NAME: what python -m cvae.export does."""

from cvae.interrupts import command


def installed() -> None:
    """Be the command that pip installs."""
    command("cvae-export", _main)


def _main() -> int:
    from cvae.export import main  # late: a signal is answered in one line while torch is loaded

    return main()
