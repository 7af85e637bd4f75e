// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Client;

/// <summary>One participant as the client's commands see it.</summary>
/// <param name="Id">Peer ID.</param>
/// <param name="Name">Its node name, as it wrote it: another party's text.</param>
/// <param name="IsSelf">This very client.</param>
/// <param name="IsServer">The server's own part.</param>
/// <param name="Sid">Its subnet ID; null where none was given.</param>
/// <param name="Cid">Its component ID; null where none was given.</param>
/// <param name="Attributes">What it said of itself, or null: another party's text.</param>
internal sealed record Participant(int Id, string Name, bool IsSelf, bool IsServer, ulong? Sid, ulong? Cid, string? Attributes);

/// <summary>A message that came in.</summary>
/// <param name="Sender">Whose slot it stood in.</param>
/// <param name="SenderName">The sender's node name, as it wrote it.</param>
/// <param name="Text">The message, as the sender wrote it.</param>
internal sealed record Received(int Sender, string SenderName, string Text);

/// <summary>A client's standing in a mailbox fabric, as its commands need it.</summary>
internal interface IMailboxSession
{
    /// <summary>This client's peer ID.</summary>
    int OwnId { get; }

    /// <summary>The server's peer ID, or null where the server does not take part.</summary>
    int? ServerId { get; }

    /// <summary>Show also what the fabric itself says: its questions, their answers, addresses that are handed out.</summary>
    bool ShowsFabric { get; set; }

    /// <summary>Everybody who is there, by ID, this client and the server included.</summary>
    IReadOnlyList<Participant> Participants();

    /// <summary>Sends a message and waits until the receiver has taken it.</summary>
    /// <exception cref="Tombolo.Linux.TomboloException">It was not taken in time, is too long, or there is no such peer.</exception>
    Task SendAsync(int destination, string text, CancellationToken stop);

    /// <summary>Sends a ping and waits for the answer.</summary>
    /// <returns>How long it took, or null where no answer came in time.</returns>
    Task<TimeSpan?> PingAsync(int destination, TimeSpan timeout, CancellationToken stop);

    /// <summary>Rings a doorbell as if another had rung it, with a text in that other's slot or without.</summary>
    /// <returns>False where there is no such doorbell.</returns>
    bool Interrupt(int destination, int source, string? text);
}
