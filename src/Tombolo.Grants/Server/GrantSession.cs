// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>One connected process. Belongs to the grants' loop.</summary>
/// <remarks>It has one request at a time: while an answer waits to go out, or a request waits for what may still be declared, nothing more is read.</remarks>
internal sealed class GrantSession(SafeFd socket, PeerCredentials who, ulong token, long since)
{
    public SafeFd Socket { get; } = socket;
    public PeerCredentials Who { get; } = who;
    public ulong Token { get; } = token;
    /// <summary>When it came.</summary>
    public long Since { get; } = since;
    /// <summary>Its standing; null until it said who it is.</summary>
    public BookMember? Member { get; set; }
    /// <summary>A request that waits until its answer is sure.</summary>
    public GrantMessage? Parked { get; set; }
    /// <summary>An answer that the kernel did not take yet; its descriptors are borrowed.</summary>
    public GrantAnswer? Unsent { get; set; }
    public bool IsBusy => Parked is not null || Unsent is not null;
}

/// <summary>An answer, and what goes with it. The descriptors belong to the book.</summary>
internal sealed record GrantAnswer(GrantMessage Message, string Text = "", SafeFd? First = null, SafeFd? Second = null)
{
    public static GrantAnswer Refusal(GrantException exception) => new(new((uint)exception.Fault + 1), exception.Message);

    public SocketResult Send(SafeFd socket)
    {
        Span<byte> bytes = stackalloc byte[GrantMessage.MaxBytes];
        Message.Write(bytes);
        int length = GrantMessage.Size + System.Text.Encoding.UTF8.GetBytes(Text, bytes[GrantMessage.Size..]);
        return First is null ? UnixSocket.Send(socket, bytes[..length]) : Second is null ? UnixSocket.Send(socket, bytes[..length], First) : UnixSocket.Send(socket, bytes[..length], First, Second);
    }
}
