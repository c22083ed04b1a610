"""A small classifier in PyTorch: arguments in, printed lines out."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--momentum", type=float, default=0.0)
parser.add_argument("--schedule", choices=["constant", "cosine"], default="constant")
args = parser.parse_args()

torch.manual_seed(args.seed)
images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)
order = torch.randperm(len(x))
train, held_out = order[:400], order[-600:]

network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(args.dropout), nn.Linear(64, 10))
optimizer = torch.optim.SGD(network.parameters(), lr=args.lr, momentum=args.momentum)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs) if args.schedule == "cosine" else None

for epoch in range(1, args.epochs + 1):
    network.train()
    for batch in train[torch.randperm(len(train))].split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
    if schedule:
        schedule.step()
    network.eval()
    with torch.no_grad():
        accuracy = (network(x[held_out]).argmax(1) == y[held_out]).float().mean()
    print(f"epoch {epoch:2d}  loss: {loss.item():.4f}  val_accuracy: {accuracy:.4f}")
