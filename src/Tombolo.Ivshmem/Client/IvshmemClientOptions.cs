// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>Settings of one <see cref="IvshmemClient"/>. Immutable; change with <c>with</c>.</summary>
public sealed record IvshmemClientOptions
{
    /// <summary>The server's socket, 1..107 bytes. Default: the stock server's.</summary>
    public string SocketPath { get; init; } = "/tmp/ivshmem_socket";

    /// <summary>
    /// Says, from the memory just mapped, how many vectors this client gets, or null where it cannot tell. The protocol has no end marker for the last batch of the handshake:
    /// it ends at this number, or when the server pauses for <see cref="SettleTime"/>; vectors that come later are taken in all the same. Default: cannot tell.
    /// </summary>
    public Func<Window, int?> VectorCount { get; init; } = static _ => null;

    /// <summary>How long the server must pause inside the last batch for it to count as complete. Default 50 ms.</summary>
    public TimeSpan SettleTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long connecting and the handshake may take together. Default 10 s: a server that waits for descriptors in flight needs time.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether to keep the memory's descriptor (<see cref="IvshmemClient.Memory"/>), for mapping parts of it with other rights. Default false.</summary>
    public bool KeepsMemory { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(SocketPath);
        if (length is 0 or > UnixSocket.MaxPathBytes)
            yield return $"SocketPath is {length} bytes long; a UNIX socket's path has 1 to {UnixSocket.MaxPathBytes}.";
        if (Timeout <= TimeSpan.Zero) yield return $"Timeout is {Timeout}; it must be more than 0.";
        if (SettleTime < TimeSpan.Zero) yield return $"SettleTime is {SettleTime}; it cannot be negative.";
    }
}
