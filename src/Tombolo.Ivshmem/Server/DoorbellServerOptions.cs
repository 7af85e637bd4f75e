// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Settings of one doorbell server. Immutable; change with <c>with</c>.</summary>
public sealed record DoorbellServerOptions
{
    /// <summary>The most vectors a device may have. Source: QEMU 7.2 refuses 0 and 2049.</summary>
    public const int MaxVectors = 2048;

    /// <summary>Where clients connect. At most 107 bytes. Default: the stock server's.</summary>
    public string SocketPath { get; init; } = "/tmp/ivshmem_socket";

    /// <summary>Permission bits of the socket file; null leaves them to the umask. Default null.</summary>
    public UnixFileMode? SocketMode { get; init; }

    /// <summary>Group id of the socket file; null leaves it. Default null.</summary>
    public uint? SocketGroup { get; init; }

    /// <summary>Where the shared memory comes from. Default <see cref="MemoryBacking.Memfd"/>.</summary>
    public MemoryBacking Backing { get; init; }

    /// <summary>The shared memory object's name (<see cref="MemoryBacking.Posix"/>) or folder (<see cref="MemoryBacking.Folder"/>); for a memfd only a label. Default "ivshmem".</summary>
    public string MemoryName { get; init; } = "ivshmem";

    /// <summary>Size of the shared memory in bytes: a power of two, at least 4096, or QEMU refuses it. Default 4 MiB.</summary>
    public long SizeBytes { get; init; } = 4 << 20;

    /// <summary>Vectors of a peer, 1..2048. Default 1.</summary>
    public int Vectors { get; init; } = 1;

    /// <summary>Vectors of single peers that have more or fewer than <see cref="Vectors"/>, by ID. Default none.</summary>
    public IReadOnlyDictionary<int, int> VectorsOf { get; init; } = new Dictionary<int, int>();

    /// <summary>Which numbers newcomers get. Default <see cref="IdPolicy.Growing"/>.</summary>
    public IdPolicy Ids { get; init; }

    /// <summary>The lowest number that is given. 0..65535. Default 0.</summary>
    public int FirstId { get; init; }

    /// <summary>The highest number that is given; once all up to it were given, only those return that nobody connected remembers, and without one the server is full. <see cref="FirstId"/>..65535. Default 65535.</summary>
    public int LastId { get; init; } = IvshmemMessage.MaxId;

    /// <summary>Seed of <see cref="IdPolicy.Random"/>. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many clients at once, 1..65536; with <see cref="IdPolicy.Sticky"/> the number of slots. 0 means as many as the descriptor limit allows, at most 4096. Default 0.</summary>
    public int MaxPeers { get; init; }

    /// <summary>How many notices (a join or a leave of one peer) may wait for a client that does not read, before it is dropped. 16..1048576. Default 16384.</summary>
    public int QueueNotices { get; init; } = 16384;

    /// <summary>User ids that may connect; empty together with <see cref="AllowedGroups"/> means anybody who can reach the socket. Default empty.</summary>
    public IReadOnlyCollection<uint> AllowedUsers { get; init; } = [];

    /// <summary>Group ids (a process's effective one) that may connect. Default empty.</summary>
    public IReadOnlyCollection<uint> AllowedGroups { get; init; } = [];

    /// <summary>The ID under which the server's own process takes part; null for a server that only serves. Default null.</summary>
    public int? ResidentId { get; init; }

    /// <summary>Says which ID a newcomer should get if it is free (a machine that comes back, for instance); null or an ID in use falls back to the policy. Called on the server's loop. Default null.</summary>
    public Func<PeerCredentials, PeerId?>? PreferredId { get; init; }

    /// <summary>Sticky slots that are spoken for: a newcomer without a wish of its own gets one only where no other is free. Default none.</summary>
    public IReadOnlySet<int> ReservedIds { get; init; } = new HashSet<int>();

    /// <summary>
    /// The program that keeps sockets and descriptors while no server runs, with its arguments; the keeper's socket path is added as the last one. Empty: no keeper, and a killed server takes the fabric with it.
    /// Default empty.
    /// </summary>
    public IReadOnlyList<string> KeeperCommand { get; init; } = [];

    /// <summary>Where the keeper listens. Default: <see cref="SocketPath"/> with ".keeper" behind it.</summary>
    public string? KeeperSocketPath { get; init; }

    /// <summary>What the owner lays out in the memory, in any words: a successor that says otherwise does not take over. Default "".</summary>
    public string Contents { get; init; } = "";

    /// <summary>How long an orderly stop waits for clients in mid-handshake, which QEMU does not survive being cut off from. Default 5 s.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (SizeBytes < 4096 || !long.IsPow2(SizeBytes))
            yield return $"SizeBytes is {SizeBytes}; QEMU takes only powers of two from 4096 on.";
        if (Vectors is < 1 or > MaxVectors)
            yield return $"Vectors is {Vectors}; a device has 1 to {MaxVectors}.";
        foreach ((int id, int count) in VectorsOf)
            if (count is < 1 or > MaxVectors || id is < 0 or > IvshmemMessage.MaxId)
                yield return $"VectorsOf gives peer {id} {count} vectors; IDs are 0 to {IvshmemMessage.MaxId}, vectors 1 to {MaxVectors}.";
        if (FirstId is < 0 or > IvshmemMessage.MaxId)
            yield return $"FirstId is {FirstId}; IDs are 0 to {IvshmemMessage.MaxId}.";
        if (LastId < FirstId || LastId > IvshmemMessage.MaxId)
            yield return $"LastId is {LastId}; it must be FirstId ({FirstId}) to {IvshmemMessage.MaxId}.";
        if (MaxPeers is < 0 or > IvshmemMessage.MaxId + 1)
            yield return $"MaxPeers is {MaxPeers}; it must be 0 (as many as fit) to {IvshmemMessage.MaxId + 1}.";
        if (MaxPeers > 0 && FirstId + MaxPeers > IvshmemMessage.MaxId + 1)
            yield return $"MaxPeers is {MaxPeers} from FirstId {FirstId} on; the highest ID is {IvshmemMessage.MaxId}.";
        if (Ids == IdPolicy.Sticky && MaxPeers == 0)
            yield return "MaxPeers is 0; sticky slots need their number, because each holds eventfds from the start.";
        if (QueueNotices is < 16 or > 1 << 20)
            yield return $"QueueNotices is {QueueNotices}; it must be 16 to {1 << 20}.";
        if (ResidentId is < 0 or > IvshmemMessage.MaxId)
            yield return $"ResidentId is {ResidentId}; IDs are 0 to {IvshmemMessage.MaxId}.";
        if (ResidentId is { } own && Ids == IdPolicy.Sticky && own >= FirstId && own < FirstId + MaxPeers)
            yield return $"ResidentId is {own}; that is one of the clients' slots {FirstId} to {FirstId + MaxPeers - 1}.";
        if (StopGrace < TimeSpan.Zero)
            yield return $"StopGrace is {StopGrace}; it cannot be negative.";
    }

    internal int VectorsFor(int id) => VectorsOf.TryGetValue(id, out int own) ? own : Vectors;

    internal string KeeperPath => KeeperSocketPath ?? SocketPath + ".keeper";
}
