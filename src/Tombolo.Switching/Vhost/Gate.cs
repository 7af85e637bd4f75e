// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A lock that is held for a batch of frames at most, and is nearly always free.</summary>
/// <remarks>
/// Order, so that nobody waits in a circle: a ring that frames come from, before a ring that frames go to. A data thread holds at most one of each; the control loop takes all
/// of a port's in that order.
/// </remarks>
internal sealed class Gate
{
    private int _taken;

    public bool TryEnter() => Volatile.Read(ref _taken) == 0 && Interlocked.CompareExchange(ref _taken, 1, 0) == 0;

    public void Enter()
    {
        var spin = new SpinWait();
        while (!TryEnter()) spin.SpinOnce(sleep1Threshold: -1);
    }

    public void Exit() => Volatile.Write(ref _taken, 0);
}
