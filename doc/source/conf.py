"""How Sphinx builds the documentation."""

project = 'karbor-trove'
author = 'The karbor-trove developers'
copyright = author

extensions = [
    'oslo_config.sphinxext',
    'reno.sphinxext',
]

html_theme = 'alabaster'
html_theme_options = {
    'description': 'Protects the databases of OpenStack Trove with Karbor',
}
html_sidebars = {
    '**': ['about.html', 'navigation.html', 'searchbox.html'],
}
