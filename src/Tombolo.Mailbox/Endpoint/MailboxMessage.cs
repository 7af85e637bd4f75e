// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>A message that came.</summary>
/// <param name="From">Whose slot it lay in.</param>
/// <param name="Address">The address shown in that slot at the time; default: none.</param>
/// <param name="Bytes">A private copy of the message.</param>
public sealed record MailboxMessage(PeerId From, SidCid Address, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The message as text (UTF-8, faulty bytes replaced).</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);
}

/// <summary>A participant as its slot shows it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its node name; empty where it has none.</param>
/// <param name="Address">Its address; default: none.</param>
/// <param name="Attributes">What it said about itself (<c>C-Class=…,SID0=…</c>); empty where it was not asked or did not answer.</param>
public sealed record MailboxPeer(PeerId Id, string Name, SidCid Address, string Attributes);

/// <summary>Takes a message on the endpoint's own loop: return at once, do not throw, do not keep the bytes. <see cref="MailboxEndpoint"/>'s Post may be called.</summary>
/// <param name="from">Whose slot it lay in.</param>
/// <param name="message">The message, valid until the call returns.</param>
public delegate void MailHandler(PeerId from, ReadOnlySpan<byte> message);

/// <summary>Sees a message go by, sent or received, fabric message or data. Called on whichever thread moves it: return at once, do not throw.</summary>
/// <param name="isSent">True: it is about to be put into the own slot. False: it was just taken.</param>
/// <param name="peer">The other party.</param>
/// <param name="message">The message, valid until the call returns.</param>
public delegate void MailTrace(bool isSent, PeerId peer, ReadOnlySpan<byte> message);
