"""The least page that Gradio can serve: a file goes up, its name comes back. For `page_speed.py`."""

import os
from pathlib import Path

import gradio as gr

with gr.Blocks(analytics_enabled=False) as page:
    upload, place = gr.File(elem_id="frame-file"), gr.HTML()
    upload.upload(
        lambda path: (None, f'<div class="verdict"><p class="edge">{Path(path).name}</p></div>'),
        upload,
        [upload, place],
    )
page.launch(server_port=int(os.environ["GRADIO_SERVER_PORT"]))
