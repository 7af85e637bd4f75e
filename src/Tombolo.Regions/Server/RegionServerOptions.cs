// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>How the server tells its version to clients.</summary>
public enum ClientDialect
{
    /// <summary><c>0x00000000</c>: what existing clients expect.</summary>
    Number,
    /// <summary><c>PROTOCOL_VER 0</c>: what the protocol's description prints.</summary>
    Words,
}

/// <summary>Settings of one region server: one window, one VM, any number of host clients. Immutable; change with <c>with</c>.</summary>
public sealed record RegionServerOptions
{
    /// <summary>Where clients look by default. Source: vSoC's library, DEFAULT_DOMAIN.</summary>
    public const string DefaultClientSocket = "/tmp/ivshmem_socket_client";

    /// <summary>Which regions there are.</summary>
    public required RegionLayout Layout { get; init; }

    /// <summary>
    /// QEMU's socket, its mode, who may connect, backing, keeper. What regions decide is overwritten: memory size, vectors, IDs, the one place. Default: the doorbell server's defaults with vSoC's socket.
    /// </summary>
    public DoorbellServerOptions Doorbell { get; init; } = new() { SocketPath = "/tmp/ivshmem_socket_qemu", MemoryName = "regions" };

    /// <summary>Where host clients connect. At most 107 bytes.</summary>
    public string ClientSocket { get; init; } = DefaultClientSocket;

    /// <summary>Permission bits of the clients' socket file; null leaves them to the umask. Default null.</summary>
    public UnixFileMode? ClientMode { get; init; }

    /// <summary>Group id of the clients' socket file; null leaves it. Default null.</summary>
    public uint? ClientGroup { get; init; }

    /// <summary>Who may have which region: the first rule that fits a client and its region counts. Null: whoever can reach the socket may do everything. Default null.</summary>
    public IReadOnlyList<RegionAccess>? Access { get; init; }

    /// <summary>How the version is told. Default as existing clients expect it.</summary>
    public ClientDialect Dialect { get; init; }

    /// <summary>How long a client may take for each step. Default 5 s.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many clients are talked to at once; others wait in the socket's queue. 1..65536. Default 1024.</summary>
    public int MaxConversations { get; init; } = 1024;

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (StepTimeout <= TimeSpan.Zero) yield return $"StepTimeout is {StepTimeout}; it must be more than 0.";
        if (MaxConversations is < 1 or > 1 << 16) yield return $"MaxConversations is {MaxConversations}; it must be 1 to {1 << 16}.";
        if (ClientSocket == Doorbell.SocketPath) yield return $"ClientSocket and the doorbell's socket are both '{ClientSocket}'; they are two sockets.";
        foreach (RegionAccess rule in Access ?? [])
            if (rule.Region is { } name && Layout.IndexOf(name) < 0) yield return $"A rule names the region '{name}', which the layout does not have.";
        foreach (string other in ServerOptions.Problems()) yield return other;
    }

    /// <summary>What the doorbell server is started with: the pretended peer is 0, the VM is 1, and its doorbells outlive it, so that clients ring the next VM without connecting again.</summary>
    public DoorbellServerOptions ServerOptions => Doorbell with
    {
        SizeBytes = Layout.WindowBytes,
        Vectors = Layout.Regions.Count,
        VectorsOf = new Dictionary<int, int>(),
        Ids = IdPolicy.Sticky,
        FirstId = 1,
        LastId = 1,
        MaxPeers = 1,
        ResidentId = 0,
        ReservedIds = new HashSet<int>(),
        PreferredId = null,
    };

    /// <summary>What a client may do with a region; null: it gets nothing.</summary>
    internal RegionRights? RightsOf(PeerCredentials who, string region) => Access is null ? RegionRights.Write
        : Access.FirstOrDefault(rule => (rule.Region is null || rule.Region == region) && (rule.Users.Contains(who.UserId) || rule.Groups.Contains(who.GroupId)))?.Rights;
}
