"""From notebooks to files: papermill runs them, and a page, its notes, tables, a PDF and an index are made of them."""
