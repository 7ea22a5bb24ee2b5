# SPDX-License-Identifier: Apache-2.0

"""Statistics of the prose in karbor_trove/ and tests/: tools/count_words.py.

Counts over docstrings and comments, and annotations with Any in karbor_trove/.
"""

import argparse
import ast
import collections
import pathlib
import re
import tokenize

ROOT = pathlib.Path(__file__).parents[1]
GROUPS = {'tell, tells, told': {'tell', 'tells', 'told'},
          'nobody, somebody, whoever, anybody': {
              'nobody', 'somebody', 'whoever', 'anybody'}}
_LICENSE = re.compile(r'^#.*\n(#.*\n)*# .*limitations\n# under the License\.',
                      re.MULTILINE)
_Documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def list_words(text):
    """Return the words of a text in lower case."""
    return re.findall(r"[a-z]+(?:['-][a-z]+)*", text.lower())


def read_docstrings(tree):
    """Return the docstrings of a module, as (node, text) pairs."""
    return [(node, ast.get_docstring(node)) for node in ast.walk(tree)
            if isinstance(node, _Documented) and ast.get_docstring(node)]


def read_comments(path):
    """Return the comments of a file, without the licence."""
    source = _LICENSE.sub('', path.read_text())
    lines = iter(source.splitlines(keepends=True))
    return [token.string.lstrip('#: ')
            for token in tokenize.generate_tokens(lambda: next(lines, ''))
            if token.type == tokenize.COMMENT]


def list_annotations(tree):
    """Return the annotations of a module as source text."""
    annotations = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation:
            annotations.append(ast.unparse(node.annotation))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
                node.returns):
            annotations.append(ast.unparse(node.returns))
    return annotations


def main(folders):
    docstrings, comments, annotations = [], [], []
    first_words = collections.Counter()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob('*.py')):
            tree = ast.parse(path.read_text())
            for node, text in read_docstrings(tree):
                docstrings.append(text)
                words = list_words(text)
                if words and isinstance(node, (ast.FunctionDef,
                                               ast.AsyncFunctionDef)):
                    first_words[words[0]] += 1
            comments += read_comments(path)
            if folder.startswith('karbor_trove'):
                annotations += list_annotations(tree)
    words = collections.Counter(list_words('\n'.join(docstrings + comments)))
    total = sum(words.values())
    print(f'words in docstrings and comments: {total}')
    for title, group in GROUPS.items():
        count = sum(words[word] for word in group)
        print(f'{title}: {count / total * 10000:.1f} per 10,000 words')
    in_docstrings = len(list_words('\n'.join(docstrings)))
    semicolons = '\n'.join(docstrings).count(';')
    print(f'semicolons: {semicolons / in_docstrings * 1000:.1f} per 1,000 '
          'words of docstrings')
    functions = sum(first_words.values())
    print('first words of function docstrings: ' + ', '.join(
        f'{word} {count / functions:.0%}'
        for word, count in first_words.most_common(10)))
    if annotations:
        with_any = sum(bool(re.search(r'\bAny\b', text))
                       for text in annotations)
        print(f'annotations with Any: {with_any} of {len(annotations)}, '
              f'{with_any / len(annotations):.0%}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='*',
                        default=['karbor_trove', 'tests'],
                        help='a folder of the project (default: both)')
    main(parser.parse_args().folder)
