import subprocess
import sys

# The exact half has to work for a mathematician who never installed torch: block the import and load everything.
PROGRAM = """
import sys, pkgutil, importlib
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == 'torch' or name.startswith('torch.'):
            raise ImportError('torch is blocked')
sys.meta_path.insert(0, Block())
import germ
for root in ('germ.algebra', 'germ.checker', 'germ.atlas', 'germ.information', 'germ.networks', 'germ.cli'):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + '.'):
        importlib.import_module(module.name)
print('loaded')
"""


def test_exact_half_and_command_line_load_without_torch():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "loaded", result.stderr
