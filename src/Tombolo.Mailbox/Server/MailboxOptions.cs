// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>Settings of one mailbox fabric: a doorbell server, the mailbox in its memory, and the server's own part. Immutable; change with <c>with</c>.</summary>
public sealed record MailboxOptions
{
    /// <summary>
    /// Socket, modes, who may connect, backing, keeper, queues. What the mailbox decides is overwritten: IDs, vectors, number of peers, the resident; the memory's size is raised where the slots need more.
    /// Default: the doorbell server's defaults with the smallest memory.
    /// </summary>
    public DoorbellServerOptions Doorbell { get; init; } = new() { SizeBytes = 4096, MemoryName = "mailbox" };

    /// <summary>How many clients, 1 to 2046: their IDs are 1 to this. Default 14, the classic size.</summary>
    public int Clients { get; init; } = 14;

    /// <summary>Bytes of a slot: a multiple of 8, 136 to 1048576. Default 512, the classic size (messages up to 383 bytes).</summary>
    public int SlotSize { get; init; } = SlotLayout.ClassicSlotSize;

    /// <summary>
    /// Whether IDs and doorbells outlive their owners: nobody is told of joins and leaves, and a newcomer gets a free ID with its doorbells. Without it an ID returns only once nobody is
    /// connected who saw it leave (QEMU 7.2 does not survive that). Default true.
    /// </summary>
    public bool Recycle { get; init; } = true;

    /// <summary>Whether the server is the primary fabric manager and hands out addresses ("Z-switch"); else it is a "Z-server". Default true.</summary>
    public bool IsManager { get; init; } = true;

    /// <summary>Whether the server takes no part: no peer of its own, as the stock one. Default false.</summary>
    public bool IsSilent { get; init; }

    /// <summary>Sees every message of the server go by, for tracing. Default null.</summary>
    public MailTrace? Trace { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Clients is < 1 or > DoorbellServerOptions.MaxVectors - 2)
        {
            yield return $"Clients is {Clients}; it must be 1 to {DoorbellServerOptions.MaxVectors - 2}, for every peer has a vector for each other.";
            yield break;
        }
        if (new MailboxGlobals((ulong)SlotSize, SlotLayout.BufferOffset, (ulong)Clients, (ulong)Clients + 2, (ulong)Clients + 1).Problem() is { } problem)
        {
            yield return $"SlotSize is {SlotSize}: {problem}.";
            yield break;
        }
        foreach (string other in ServerOptions.Problems()) yield return other;
    }

    /// <summary>The mailbox's sizes.</summary>
    /// <exception cref="ArgumentException">They cannot be.</exception>
    public MailboxGeometry Geometry => MailboxGeometry.Create(SlotSize, Clients);

    /// <summary>What the doorbell server is started with.</summary>
    public DoorbellServerOptions ServerOptions => Doorbell with
    {
        SizeBytes = Math.Max(Doorbell.SizeBytes, Geometry.WindowBytes),
        Vectors = Geometry.Events,
        VectorsOf = new Dictionary<int, int>(),
        Ids = Recycle ? IdPolicy.Sticky : IdPolicy.Growing,
        FirstId = 1,
        LastId = Clients,
        MaxPeers = Clients,
        ResidentId = IsSilent ? null : Geometry.ServerId.Value,
    };
}
