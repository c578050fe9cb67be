"""A checkpoint of 200 convolutions that all are one storage of 64 MB, written without torch: `make.py NAME [deflate]`."""
import collections, io, pickle, sys, types, zipfile

class Storage:
    def __init__(self, name, elements):
        self.name, self.elements = name, elements

class Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape
    def __reduce__(self):
        stride = [1]
        for extent in self.shape[:0:-1]:
            stride.insert(0, stride[0] * extent)
        rest = (0, tuple(self.shape), tuple(stride), False, collections.OrderedDict())
        return utils._rebuild_tensor_v2, (self.storage, *rest)

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})
torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
def _rebuild_tensor_v2(): pass
_rebuild_tensor_v2.__module__, utils._rebuild_tensor_v2 = "torch._utils", _rebuild_tensor_v2

class Pickler(pickle.Pickler):
    def persistent_id(self, what):
        if isinstance(what, Storage):
            return "storage", torch.FloatStorage, what.name, "cpu", what.elements

WIDTH, BLOCKS = 1365, 100
large, small = Storage("0", 9 * WIDTH * WIDTH), Storage("1", 9 * WIDTH)
state = {"conv1.weight": Tensor(small, [WIDTH, 1, 3, 3])}
def norm(key):
    for part in ["weight", "bias", "running_mean", "running_var"]:
        state[f"{key}.bn.{part}"] = Tensor(small, [WIDTH])
norm("bn1")
for block in range(BLOCKS):
    for n in [1, 2]:
        state[f"layer1.{block}.conv{n}.weight"] = Tensor(large, [WIDTH, WIDTH, 3, 3])
        norm(f"layer1.{block}.bn{n}")
state["fc1.weight"] = Tensor(small, [9, WIDTH])
state["fc1.bias"] = Tensor(small, [9])

text = io.BytesIO()
Pickler(text, 2).dump(state)
method = zipfile.ZIP_DEFLATED if "deflate" in sys.argv else zipfile.ZIP_STORED
with zipfile.ZipFile(sys.argv[1], "w", method) as file:
    file.writestr("model/data.pkl", text.getvalue())
    for storage in [large, small]:
        file.writestr(f"model/data/{storage.name}", bytes(4 * storage.elements))
