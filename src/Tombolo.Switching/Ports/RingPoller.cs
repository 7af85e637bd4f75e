// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A ring that a data thread looks after: one that frames come from, or one whose backlog it empties. Belongs to that thread, once it is there.</summary>
internal sealed class RingPoller(VhostPort port, Vring ring, ulong token)
{
    public VhostPort Port => port;

    public Vring Ring => ring;

    /// <summary>Under which epoll reports its kick.</summary>
    public ulong Token => token;

    /// <summary>Where its last frame went.</summary>
    public StraightRoute Route { get; } = new();

    /// <summary>How often it was kicked since it last gave something.</summary>
    public int IdleKicks { get; set; }

    /// <summary>Whether its kicks are not listened to any more: it is looked at every now and then.</summary>
    public bool IsMuted { get; set; }

    /// <summary>When something last came from it.</summary>
    public long LastWork { get; set; }
}
