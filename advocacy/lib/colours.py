"""The company's own colour, made readable: whatever accent is chosen, text on it and in it keeps its contrast (AA)."""

WHITE, BLACK = "#ffffff", "#000000"
READABLE = 4.5

# The grounds the accent meets as text, as in `tokens.css`.
LIGHT_GROUNDS = ("#faf7f2", "#ffffff", "#f3eee6")
DARK_GROUNDS = ("#141618", "#1c1f22", "#212529")
LIGHT_INK, DARK_INK = "#ffffff", "#0e1213"


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of ``#rrggbb``, 0 to 255 each."""
    digits = colour.lstrip("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = []
    for channel in channels(colour):
        share = channel / 255
        parts.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def mix(colour: str, other: str, share: float) -> str:
    """``colour`` with ``share`` of ``other`` in it."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(one * (1 - share) + two * share):02x}" for one, two in pairs)


def readable(colour: str, grounds: tuple[str, ...], toward: str, softened: float) -> tuple[str, str]:
    """The first shade of ``colour`` ``toward`` black or white that reads on all grounds and on its own tint."""
    for step in range(51):
        shade = mix(colour, toward, step / 50)
        tint = mix(grounds[0], shade, softened)
        if all(contrast(shade, ground) >= READABLE for ground in (*grounds, tint)):
            return shade, tint
    return toward, grounds[0]


def ink_on(colour: str) -> str:
    """White or nearly black, whichever reads better on this colour."""
    return max((LIGHT_INK, DARK_INK), key=lambda ink: contrast(ink, colour))


def accent_sheet(colour: str) -> str:
    """The style sheet that puts this accent in the place of ours, light and dark."""
    light, light_soft = readable(colour, LIGHT_GROUNDS, BLACK, 0.1)
    dark, dark_soft = readable(colour, DARK_GROUNDS, WHITE, 0.16)

    def tokens(accent: str, soft: str, strong: str, past: str) -> str:
        return (
            f"--accent: {accent}; --accent-strong: {strong}; --accent-ink: {ink_on(accent)}; "
            f"--accent-soft: {soft}; --focus: {accent}; --series-1: {accent}; "
            f"--series-2: {mix(accent, past, 0.4)}; --series-past: {mix(accent, past, 0.5)};"
        )

    return (
        f":root {{ {tokens(light, light_soft, mix(light, BLACK, 0.2), WHITE)} }}\n"
        "@media (prefers-color-scheme: dark) "
        f"{{ :root {{ {tokens(dark, dark_soft, mix(dark, WHITE, 0.25), BLACK)} }} }}\n"
    )
