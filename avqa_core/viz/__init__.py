"""The only drawing code: style, figures, live controls for pages, and the JupyterLab panel.

Nothing else in the package imports it, and it imports matplotlib and ipywidgets, which come with
the extra ``book``. The panel is imported by name (``from avqa_core.viz.panel import TogglePanel``),
so that figures work where ipywidgets is not installed.
"""
