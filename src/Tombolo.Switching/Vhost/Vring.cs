// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>One ring of a device: what the front end said of it, and while it runs, the <see cref="Virtqueue"/>.</summary>
/// <remarks>The control loop sets it up; data threads use <see cref="Queue"/>, <see cref="Features"/> and <see cref="Call"/>, which <see cref="Gate"/> guards.</remarks>
internal sealed class Vring(int index)
{
    public int Index => index;

    /// <summary>Whether frames come from it: rings are numbered receive 0, transmit 0, receive 1 … as the driver sees it.</summary>
    public bool IsTransmit => (index & 1) != 0;

    /// <summary>Guards <see cref="Queue"/>, <see cref="Features"/>, <see cref="Call"/>, <see cref="IsEnabled"/> and <see cref="IsFaultTold"/>.</summary>
    public Gate Gate { get; } = new();

    /// <summary>The ring while it runs.</summary>
    public Virtqueue? Queue { get; private set; }

    /// <summary>What was agreed on when it started.</summary>
    public VirtioFeatures Features { get; private set; }

    /// <summary>Wakes the driver; null: the driver polls.</summary>
    public SafeFd? Call { get; private set; }

    /// <summary>Wakes us; null: nobody does, we poll.</summary>
    public SafeFd? Kick { get; private set; }

    public SafeFd? Error { get; private set; }

    public bool IsEnabled { get; private set; }

    /// <summary>Whether SET_VRING_KICK came since it was last stopped.</summary>
    public bool IsWanted { get; private set; }

    public int Size { get; set; }

    public VringAddresses? Addresses { get; set; }

    public uint Base { get; set; }

    public bool IsUsable => Queue is not null && IsEnabled;

    /// <summary>Whether it stands still for a moment only, while the guest's memory is exchanged: frames for it wait.</summary>
    public bool IsBetween { get; private set; }

    /// <summary>Whether frames may be given to it, now or in a moment.</summary>
    public bool TakesFrames => IsEnabled && (Queue is not null || IsBetween);

    /// <summary>Whether it was told that the driver lied: the control loop stops the port when it comes to it.</summary>
    public bool IsFaultTold { get; set; }

    public void Want(SafeFd? kick)
    {
        SafeFd? old = Kick;
        (Kick, IsWanted) = (kick, true);
        old?.Dispose();
    }

    public void SetCall(SafeFd? call)
    {
        Gate.Enter();
        SafeFd? old = Call;
        Call = call;
        bool isRunning = Queue is not null;
        Gate.Exit();
        old?.Dispose();
        if (isRunning && call is not null) _ = EventFd.Signal(call);   // what was told to the old one may not have been heard
    }

    public void SetError(SafeFd? error)
    {
        Error?.Dispose();
        Error = error;
    }

    public void Enable(bool isEnabled)
    {
        Gate.Enter();
        IsEnabled = isEnabled;
        Gate.Exit();
    }

    public void Run(Virtqueue queue, VirtioFeatures features)
    {
        Gate.Enter();
        (Queue, Features, IsBetween, IsFaultTold) = (queue, features, false, false);
        Gate.Exit();
    }

    /// <summary>Stops it: when this returns, no data thread uses its queue any more.</summary>
    /// <param name="isBrief">Whether it goes on in a moment.</param>
    public void Pause(bool isBrief = false)
    {
        Gate.Enter();
        IsBetween = isBrief;
        if (Queue is { } queue) Base = queue.Position;
        Queue = null;
        Gate.Exit();
    }

    /// <summary>Closes what the front end gave for it.</summary>
    public void Close()
    {
        Pause();
        IsWanted = false;
        Kick?.Dispose();
        Kick = null;
        SetCall(null);
        SetError(null);
    }
}
