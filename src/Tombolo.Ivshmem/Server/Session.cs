// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>What waits to be told to a client.</summary>
internal enum NoticeKind : byte
{
    /// <summary>Protocol version and own ID.</summary>
    Greeting,
    /// <summary>The shared memory.</summary>
    Memory,
    /// <summary>A member's eventfds, one message each; the client's own end the handshake.</summary>
    Join,
    /// <summary>A member left.</summary>
    Leave,
}

internal readonly record struct Notice(NoticeKind Kind, Member Member);

/// <summary>One connected client and what waits for it. Belongs to the server's loop.</summary>
/// <remarks>
/// States, in order: greeting → memory → members → live. In the first three the client is in its handshake and is never cut off
/// (QEMU 7.2 spins for ever if it is); notices of others are folded into the handshake. Only a live client can be dropped for not reading.
/// </remarks>
internal sealed class Session(SafeFd socket, PeerCredentials who, Member member, long joinSequence)
{
    private readonly Queue<Notice> _waiting = new();
    private readonly byte[] _rest = new byte[16];

    public SafeFd Socket { get; } = socket;
    /// <summary>The number under which epoll reports it.</summary>
    public ulong Token { get; set; }
    public PeerCredentials Who { get; } = who;
    public Member Member { get; } = member;
    public long JoinSequence { get; } = joinSequence;
    public bool IsLive { get; set; }
    public bool IsClosed { get; set; }
    /// <summary>Whether it stands in the loop's list of those that can be sent something.</summary>
    public bool IsScheduled { get; set; }
    /// <summary>Whether epoll reports when it can take more.</summary>
    public bool AwaitsWritable { get; set; }
    public long IgnoredBytes { get; set; }
    /// <summary>Whether it is unknown if one message reached it, because the last server died in that moment; nothing is sent until that is settled.</summary>
    public bool IsUnsettled { get; set; }
    /// <summary>The kernel's number of the eventfd that the undecided message carried; null where it is not known any more.</summary>
    public int? UndecidedEventFd { get; set; }
    public int Waiting => _waiting.Count;
    /// <summary>Bytes of a message whose first part, and descriptor, are out.</summary>
    public ReadOnlyMemory<byte> Rest { get; private set; }

    public void Enqueue(NoticeKind kind, Member about) => _waiting.Enqueue(new(kind, about));

    public bool TryPeek(out Notice notice) => _waiting.TryPeek(out notice);

    public void Dequeue() => _ = _waiting.Dequeue();

    public IEnumerable<Notice> TakeAll()
    {
        while (_waiting.TryDequeue(out Notice notice)) yield return notice;
    }

    /// <summary>Removes notices that no longer need telling.</summary>
    public void Compact()
    {
        for (int left = _waiting.Count; left > 0; left--)
        {
            Notice notice = _waiting.Dequeue();
            if (notice.Kind != NoticeKind.Join || notice.Member.IsPresent) _waiting.Enqueue(notice);
        }
    }

    public void KeepRest(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_rest);
        Rest = _rest.AsMemory(0, bytes.Length);
    }

    public void DropFromRest(int count) => Rest = Rest[count..];
}
