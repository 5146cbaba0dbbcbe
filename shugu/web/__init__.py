"""The look of every page: shell, components, forms, tables, charts, slots. Imports kernel and formats only."""
