"""What the page looks like: a light table.

Neutral greys, so that no surround tints a photograph, and one orange, the film mask's.
"""

from pathlib import Path

import gradio as gr

CSS = Path(__file__).with_name("page.css")
HEAD = f"<script>{Path(__file__).with_name('page.js').read_text()}</script>"

GREY = gr.themes.Color(
    "#fafaf9",
    "#f3f2f0",
    "#e4e2de",
    "#cfccc6",
    "#a5a19a",
    "#77736c",
    "#5b5852",
    "#44423d",
    "#2b2a27",
    "#1d1c1a",
    "#131211",
)
ORANGE = gr.themes.Color(
    "#fdf5ef",
    "#fae6d6",
    "#f3c8a6",
    "#eba873",
    "#e08a4a",
    "#c4662a",
    "#a64f18",
    "#873f14",
    "#6b3412",
    "#4f280f",
    "#2f1808",
)


def theme() -> gr.themes.Base:
    """Gradio's base theme in our colours and the reader's own fonts: nothing is fetched."""
    return gr.themes.Base(
        primary_hue=ORANGE,
        secondary_hue=GREY,
        neutral_hue=GREY,
        radius_size=gr.themes.sizes.radius_sm,
        font=("Inter", "ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "sans-serif"),
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace"),
    ).set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        block_shadow="none",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
