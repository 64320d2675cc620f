"""Makes the files of this folder, with PyTorch 2.11."""
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4 * 4 * 4, 5)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x)))
        return self.fc(torch.nn.functional.max_pool2d(x, 2).flatten(1))


def converted(state, dtype):
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}


torch.manual_seed(1)
net = Net()
for _ in range(3):
    net(torch.randn(8, 3, 8, 8))
net.eval()
x = torch.randn(2, 3, 8, 8)
with open("net.txt", "w") as file:
    for name, tensor in (("x", x), ("y", net(x))):
        file.write(" ".join([name, *map(repr, tensor.flatten().tolist())]) + "\n")
state = net.state_dict()
torch.save(state, "net.pt")
torch.save(state, "net-legacy.pt", _use_new_zipfile_serialization=False)
torch.save(converted(state, torch.float16), "net-f16.pt")
torch.save(converted(state, torch.bfloat16), "net-bf16.pt")
torch.save(converted(state, torch.float64), "net-f64.pt")
torch.save({"model": state, "epoch": 3}, "checkpoint.pt")
