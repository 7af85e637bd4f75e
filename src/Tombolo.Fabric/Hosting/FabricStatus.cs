// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>A fabric at one moment.</summary>
/// <param name="Fabric">Its name.</param>
/// <param name="OwnerProcessId">The process that runs it; 0 where none does.</param>
/// <param name="Folder">Its state folder.</param>
/// <param name="Mailboxes">Its mailboxes, as declared.</param>
/// <param name="Machines">Its machines, as declared.</param>
public sealed record FabricStatus(string Fabric, int OwnerProcessId, string Folder, IReadOnlyList<MailboxStatus> Mailboxes, IReadOnlyList<MachineRow> Machines)
{
    /// <summary>Its grants; null where none are declared.</summary>
    public GrantsStatus? Grants { get; init; }
    /// <summary>Its store; null where none is declared.</summary>
    public StoreStatus? Store { get; init; }
    /// <summary>Its windows of regions, as declared.</summary>
    public IReadOnlyList<RegionsStatus> Regions { get; init; } = [];
    /// <summary>Its switches, as declared.</summary>
    public IReadOnlyList<SwitchStatus> Switches { get; init; } = [];
}

/// <summary>A mailbox at one moment.</summary>
public sealed record MailboxStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Where participants connect.</summary>
    public required string Socket { get; init; }
    /// <summary>Whether it serves.</summary>
    public required bool IsUp { get; init; }
    /// <summary>Places for clients.</summary>
    public required int Clients { get; init; }
    /// <summary>Bytes of a slot.</summary>
    public required int SlotBytes { get; init; }
    /// <summary>The server's own number as a peer; null where it is silent.</summary>
    public int? ServerId { get; init; }
    /// <summary>"Z-switch", "Z-server", or empty where it is silent.</summary>
    public string ServerClass { get; init; } = "";
    /// <summary>The server's own address, SID:CID; null where it has none.</summary>
    public string? ServerAddress { get; init; }
    /// <summary>Whether this server took over from one that was killed.</summary>
    public bool TookOver { get; init; }
    /// <summary>Who is there, by number.</summary>
    public IReadOnlyList<MemberStatus> Members { get; init; } = [];
    /// <summary>Clients that joined since the server started.</summary>
    public long Joins { get; init; }
    /// <summary>Clients that left since.</summary>
    public long Leaves { get; init; }
    /// <summary>Clients refused since, because there was no place or because of who they are.</summary>
    public long Refused { get; init; }
    /// <summary>Messages that the server's own part sent.</summary>
    public long Sent { get; init; }
    /// <summary>Messages that the server's own part took.</summary>
    public long Received { get; init; }
}

/// <summary>A participant of a mailbox.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">The node name in its slot; empty where it wrote none yet.</param>
/// <param name="Machine">The declared machine that it is; null for others.</param>
/// <param name="Address">SID:CID; null where it has none.</param>
/// <param name="Attributes">What it said about itself.</param>
/// <param name="ProcessId">The process at the other end.</param>
/// <param name="Received">Messages that the server took from it.</param>
/// <param name="Sent">Messages that the server sent it.</param>
/// <param name="Pending">Bytes in its slot that nobody took yet.</param>
public sealed record MemberStatus(int Id, string Name, string? Machine, string? Address, string Attributes, int ProcessId, long Received, long Sent, ulong Pending);

/// <summary>A machine at one moment, with where to find it.</summary>
/// <param name="Machine">How it is.</param>
/// <param name="MemoryBytes">Its declared memory.</param>
/// <param name="Slots">Its number in each mailbox that it joins.</param>
/// <param name="ConsoleSocket">Its serial console.</param>
/// <param name="ConsoleLog">What its console said.</param>
/// <param name="QemuLog">What its QEMU said.</param>
public sealed record MachineRow(MachineStatus Machine, long MemoryBytes, IReadOnlyDictionary<string, int> Slots, string ConsoleSocket, string ConsoleLog, string QemuLog)
{
    /// <summary>Its network cards: eth0, eth1, …</summary>
    public IReadOnlyList<CardRow> Cards { get; init; } = [];
}

/// <summary>A machine's network card.</summary>
/// <param name="Switch">The switch.</param>
/// <param name="Port">The port of it.</param>
/// <param name="Mac">Its address.</param>
/// <param name="Addresses">What the demo image gives it.</param>
public sealed record CardRow(string Switch, string Port, string Mac, IReadOnlyList<string> Addresses);

/// <summary>A message that a mailbox's server sent or took.</summary>
/// <param name="Time">When.</param>
/// <param name="IsSent">Whether the server sent it; else it took it.</param>
/// <param name="Peer">The other party's number.</param>
/// <param name="Text">The message, as the other party may have written it.</param>
public sealed record TracedMessage(DateTimeOffset Time, bool IsSent, int Peer, string Text);

/// <summary>JSON of everything that a fabric tells others.</summary>
[JsonSourceGenerationOptions(WriteIndented = false, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FabricStatus))]
[JsonSerializable(typeof(FabricEvent))]
[JsonSerializable(typeof(TracedMessage))]
[JsonSerializable(typeof(SwitchPortAddition))]
[JsonSerializable(typeof(SwitchPortChange))]
[JsonSerializable(typeof(SwitchMove))]
[JsonSerializable(typeof(SwitchPortStatus))]
[JsonSerializable(typeof(CaptureEnd))]
[JsonSerializable(typeof(IReadOnlyList<Fault>))]
public sealed partial class FabricStatusJson : JsonSerializerContext;
