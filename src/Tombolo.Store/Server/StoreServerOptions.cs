// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>A node that a server makes where it is missing when it starts.</summary>
/// <param name="Path">An absolute path.</param>
/// <param name="Value">Its value, UTF-8.</param>
/// <param name="Permissions">Its permissions; null: its parent's.</param>
public sealed record StoreKey(string Path, string Value, StorePermissions? Permissions = null);

/// <summary>Settings of a store's server. Immutable; change with <c>with</c>.</summary>
public sealed record StoreServerOptions
{
    /// <summary>The socket that clients connect to.</summary>
    public required string SocketPath { get; init; }
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file; null leaves it.</summary>
    public uint? SocketGroup { get; init; }
    /// <summary>How many connections there may be at once, 1..65536; each takes up to 272 KiB of memory once it is used that much. Default 1024.</summary>
    public int MaxConnections { get; init; } = 1024;
    /// <summary>Which domain a client of the socket is; null refuses it. Default: domain 0, as xenstored has it: the socket's mode says who may connect.</summary>
    public Func<PeerCredentials, DomainId?> Identify { get; init; } = static _ => DomainId.Privileged;
    /// <summary>The journal's file, so that the nodes outlive the server; null: they do not, but for what a keeper holds.</summary>
    public string? JournalPath { get; init; }
    /// <summary>The least that the journal's file takes, in bytes. Default 1 MiB.</summary>
    public long JournalBytes { get; init; } = 1 << 20;
    /// <summary>Program and arguments of the keeper, which holds connections while the server is dead; empty: none. The socket path is added as the last.</summary>
    public IReadOnlyList<string> KeeperCommand { get; init; } = [];
    /// <summary>The keeper's socket. Default: the socket's path with ".keeper" behind it.</summary>
    public string KeeperPath { get => field ?? SocketPath + ".keeper"; init; }
    /// <summary>What each domain may have.</summary>
    public StoreQuotas Quotas { get; init; } = new();
    /// <summary>Nodes that are made where they are missing, in this order.</summary>
    public IReadOnlyList<StoreKey> Keys { get; init; } = [];
    /// <summary>How long the server looks for the next request before it sleeps, after one. Zero: not at all. Default 0.</summary>
    public TimeSpan Spin { get; init; }

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        int bytes = System.Text.Encoding.UTF8.GetByteCount(SocketPath);
        if (bytes is 0 or > UnixSocket.MaxPathBytes) yield return $"SocketPath is {bytes} bytes long; a UNIX socket's path has 1 to {UnixSocket.MaxPathBytes} bytes.";
        if (MaxConnections is < 1 or > 65536) yield return $"MaxConnections is {MaxConnections}; it must be 1..65536.";
        if (JournalBytes is < 4096 or > int.MaxValue) yield return $"JournalBytes is {JournalBytes}; it must be 4096..{int.MaxValue}.";
        if (Spin < TimeSpan.Zero || Spin > TimeSpan.FromSeconds(1)) yield return $"Spin is {Spin}; it must be 0 to 1 s.";
        foreach (string problem in Quotas.Problems()) yield return problem;
        foreach (StoreKey key in Keys)
        {
            if (!StorePath.IsAbsolute(key.Path)) yield return $"The key '{key.Path}' is no absolute path of letters, digits and -/_@.";
            if (System.Text.Encoding.UTF8.GetByteCount(key.Value) + key.Path.Length + 1 > StoreHeader.MaxPayload) yield return $"The value of '{key.Path}' and its path have more than {StoreHeader.MaxPayload} bytes.";
        }
    }
}
