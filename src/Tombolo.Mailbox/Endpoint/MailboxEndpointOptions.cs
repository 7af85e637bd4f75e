// SPDX-License-Identifier: MIT
namespace Tombolo.Mailbox;

/// <summary>Settings of one <see cref="MailboxEndpoint"/>. Immutable; change with <c>with</c>.</summary>
public sealed record MailboxEndpointOptions
{
    /// <summary>The node name shown to others: 1 to 31 printable ASCII characters. Default: this host's name and process id.</summary>
    public string Name { get; init; } = DefaultName();

    /// <summary>C-Class told to who asks. Default "Tombolo client".</summary>
    public string ClassText { get; init; } = "Tombolo client";

    /// <summary>Whether the endpoint answers ping, Link CTL and CTL-Write itself, and keeps them from the reader. Default true.</summary>
    public bool Answers { get; init; } = true;

    /// <summary>Whether the endpoint asks the server for its attributes when it starts, as FAME-Z clients do. Default true.</summary>
    public bool AsksServer { get; init; } = true;

    /// <summary>How long a receiver has to take a message. 1 ms to 1 hour. Default 1 s, as FAME-Z's client.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What is done with a message that was not taken in time. Default <see cref="UntakenMail.Withdraw"/>.</summary>
    public UntakenMail Untaken { get; init; }

    /// <summary>How many messages may wait for the reader; further ones wait in their senders' slots, which holds these back. 1 to 1048576. Default 1024.</summary>
    public int InboxCapacity { get; init; } = 1024;

    /// <summary>How long a sender looks for the acknowledgement before it lets the loop look now and then; 0 to 10 ms. Default 30 µs: a receiver that runs takes less.</summary>
    public TimeSpan Spin { get; init; } = TimeSpan.FromMicroseconds(30);

    /// <summary>Takes messages on the endpoint's loop, in place of <see cref="MailboxEndpoint.ReceiveAsync"/>: the fast way. Default null.</summary>
    public MailHandler? Handler { get; init; }

    /// <summary>Sees every message go by. Default null.</summary>
    public MailTrace? Trace { get; init; }

    /// <summary>Whether a message found in the own slot at the start is still on its way (a server that came back), instead of a dead owner's rest to be thrown away. Default false.</summary>
    public bool KeepsOwnSlot { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length is 0 or >= SlotLayout.NodeNameBytes || Name.Any(static c => c is < '!' or > '~'))
            yield return $"Name is '{Name}'; a node name has 1 to {SlotLayout.NodeNameBytes - 1} printable ASCII characters without spaces.";
        if (ClassText.Length > 64 || ClassText.Any(static c => c is ',' or < ' ' or > '~'))
            yield return $"ClassText is '{ClassText}'; it has at most 64 printable ASCII characters without a comma.";
        if (SendTimeout < TimeSpan.FromMilliseconds(1) || SendTimeout > TimeSpan.FromHours(1)) yield return $"SendTimeout is {SendTimeout}; it must be 1 ms to 1 hour.";
        if (InboxCapacity is < 1 or > 1 << 20) yield return $"InboxCapacity is {InboxCapacity}; it must be 1 to {1 << 20}.";
        if (Spin < TimeSpan.Zero || Spin > TimeSpan.FromMilliseconds(10)) yield return $"Spin is {Spin}; it must be 0 to 10 ms.";
    }

    private static string DefaultName()
    {
        string end = $"-{Environment.ProcessId}";
        string host = string.Concat(Environment.MachineName.Where(static c => c is > ' ' and <= '~'));
        return host[..Math.Min(host.Length, SlotLayout.NodeNameBytes - 1 - end.Length)] + end;
    }
}
