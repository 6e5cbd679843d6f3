"""Numbers of things, as English says them."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 slice`, `2 slices`; `plural` where an s does not make it."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"
