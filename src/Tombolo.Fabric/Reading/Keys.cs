// SPDX-License-Identifier: MIT
using Tombolo.Fabric.Yaml;
using Tombolo.Machines;
using Tombolo.Store;
using Tombolo.Switching;

namespace Tombolo.Fabric.Reading;

/// <summary>Every key of <c>fabric.yaml</c>. <c>docs/schema/fabric.schema.json</c> and <c>docs/fabric-yaml.md</c> say the same, which a test checks.</summary>
internal static class Keys
{
    private static readonly Dictionary<string, Acceleration> _accelerations = new() { ["auto"] = Acceleration.Auto, ["kvm"] = Acceleration.Kvm, ["tcg"] = Acceleration.Tcg };
    private static readonly Dictionary<string, RestartPolicy> _restarts = new() { ["never"] = RestartPolicy.Never, ["on-failure"] = RestartPolicy.OnFailure, ["always"] = RestartPolicy.Always };
    private static readonly Dictionary<string, bool> _dialects = new() { ["number"] = false, ["words"] = true };
    private static readonly Dictionary<string, bool> _images = new() { [MachineDeclaration.DemoImage] = true };

    /// <summary>The top of the file. What is under mailboxes, regions, machines and policy is read by <see cref="FabricReader"/>.</summary>
    public static Section<FabricDraft> Fabric { get; } = new(
    [
        new("fabric", (draft, node, read) => draft with { Name = read.Text(node) }),
        new("mailboxes", (draft, node, _) => draft with { Mailboxes = node }),
        new("store", (draft, node, _) => draft with { Store = node }),
        new("grants", (draft, node, _) => draft with { Grants = node }),
        new("regions", (draft, node, _) => draft with { Regions = node }),
        new("switches", (draft, node, _) => draft with { Switches = node }),
        new("machines", (draft, node, _) => draft with { Machines = node }),
        new("policy", (draft, node, _) => draft with { Policy = node }),
    ]);

    public static Section<AccessList> Who { get; } = new(
    [
        new("uid", (who, node, read) => read.Texts(node) is { } users ? who with { Users = users } : who),
        new("gid", (who, node, read) => read.Texts(node) is { } groups ? who with { Groups = groups } : who),
    ]);

    public static Section<MailboxDeclaration> Mailbox { get; } = new(
    [
        new("socket", (mailbox, node, read) => mailbox with { Socket = read.Text(node) ?? mailbox.Socket }),
        new("clients", (mailbox, node, read) => mailbox with { Clients = read.Number(node, 1, Limits.MostClients) ?? mailbox.Clients }),
        new("slot", (mailbox, node, read) => mailbox with { SlotBytes = (int)(read.Size(node, Limits.LeastSlot, Limits.MostSlot, 8) ?? mailbox.SlotBytes) }),
        new("channels", (mailbox, node, read) => mailbox with { ChannelBytes = read.Size(node, Limits.LeastChannels, Limits.MostChannels, 4096) ?? mailbox.ChannelBytes }),
        new("recycle", (mailbox, node, read) => mailbox with { Recycle = read.Flag(node) ?? mailbox.Recycle }),
        new("manager", (mailbox, node, read) => mailbox with { Manager = read.Flag(node) ?? mailbox.Manager }),
        new("silent", (mailbox, node, read) => mailbox with { Silent = read.Flag(node) ?? mailbox.Silent }),
        new("vectors", (mailbox, node, read) => mailbox with { Vectors = read.Number(node, 3, Limits.MostVectors) ?? mailbox.Vectors }),
        new("mode", (mailbox, node, read) => mailbox with { Mode = read.Mode(node) ?? mailbox.Mode }),
        new("group", (mailbox, node, read) => mailbox with { Group = read.Text(node) ?? mailbox.Group }),
        new("allow", (mailbox, node, read) => mailbox with { Allow = Who.Read(node, AccessList.Empty, $"'allow' of {read.Subject}", read.Context).Draft }),
    ]);

    public static Section<StoreDeclaration> Store { get; } = new(
    [
        new("socket", (store, node, read) => store with { Socket = read.Text(node) ?? store.Socket }),
        new("mode", (store, node, read) => store with { Mode = read.Mode(node) ?? store.Mode }),
        new("group", (store, node, read) => store with { Group = read.Text(node) ?? store.Group }),
        new("journal", (store, node, read) => node is YamlScalar { IsPlain: true, Text: "none" } ? store with { HasJournal = false } : store with { Journal = read.FilePath(node) ?? store.Journal }),
        new("domains", (store, node, read) => store with { Domains = StoreReading.Domains(node, read) ?? store.Domains }),
        new("keys", (store, node, read) => store with { Keys = StoreReading.Nodes(node, read) ?? store.Keys }),
    ]);

    /// <summary>What is under windows is read by <see cref="FabricReader"/>.</summary>
    public static Section<GrantsDraft> Grants { get; } = new(
    [
        new("socket", (draft, node, read) => draft with { Value = draft.Value with { Socket = read.Text(node) ?? draft.Value.Socket } }),
        new("mode", (draft, node, read) => draft with { Value = draft.Value with { Mode = read.Mode(node) ?? draft.Value.Mode } }),
        new("group", (draft, node, read) => draft with { Value = draft.Value with { Group = read.Text(node) ?? draft.Value.Group } }),
        new("offers", (draft, node, read) => draft with { Value = draft.Value with { Offers = read.Texts(node) ?? draft.Value.Offers } }),
        new("pages", (draft, node, read) => draft with { Value = draft.Value with { Pages = read.Number(node, 1, 1 << 20) ?? draft.Value.Pages } }),
        new("ports", (draft, node, read) => draft with { Value = draft.Value with { Ports = read.Number(node, 1, 1 << 17) ?? draft.Value.Ports } }),
        new("windows", (draft, node, _) => draft with { Windows = node }),
    ]);

    public static Section<GrantWindowDeclaration> GrantWindow { get; } = new(
    [
        new("socket", (window, node, read) => window with { Socket = read.Text(node) ?? window.Socket }),
        new("mode", (window, node, read) => window with { Mode = read.Mode(node) ?? window.Mode }),
        new("group", (window, node, read) => window with { Group = read.Text(node) ?? window.Group }),
        new("places", (window, node, read) => window with { Places = read.Number(node, 1, Limits.MostPlaces) ?? window.Places }),
        new("first", (window, node, read) => window with { First = read.Number(node, 1, DomainId.Highest) ?? window.First }),
        new("pages", (window, node, read) => window with { Pages = read.Number(node, 1, Limits.MostWindowPages) ?? window.Pages }),
        new("grants", (window, node, read) => window with { Grants = read.Number(node, Limits.LeastLines, Limits.MostLines) ?? window.Grants }),
        new("ports", (window, node, read) => window with { Ports = read.Number(node, Limits.LeastLines, Limits.MostLines) ?? window.Ports }),
    ]);

    public static Section<RegionsDeclaration> Regions { get; } = new(
    [
        new("layout", (regions, node, read) => regions with { Layout = read.FilePath(node) ?? regions.Layout }),
        new("qemu", (regions, node, read) => regions with { Qemu = read.Text(node) ?? regions.Qemu }),
        new("clients", (regions, node, read) => regions with { Clients = read.Text(node) ?? regions.Clients }),
        new("memory", (regions, node, read) => regions with { Memory = read.Text(node) ?? regions.Memory }),
        new("vectors", (regions, node, read) => regions with { Vectors = read.Number(node, 1, Tombolo.Regions.RegionLayout.MaxRegions) ?? regions.Vectors }),
        new("dialect", (regions, node, read) => regions with { Words = read.Choice(node, _dialects) ?? regions.Words }),
        new("mode", (regions, node, read) => regions with { Mode = read.Mode(node) ?? regions.Mode }),
        new("group", (regions, node, read) => regions with { Group = read.Text(node) ?? regions.Group }),
    ]);

    /// <summary>What is under members and topologies is read by <see cref="SwitchReading"/>.</summary>
    public static Section<SwitchDraft> Switch { get; } = new(
    [
        new("members", (draft, node, _) => draft with { Members = node }),
        new("topologies", (draft, node, _) => draft with { Topologies = node }),
        new("mtu", (draft, node, read) => draft with { Value = draft.Value with { Mtu = read.Number(node, Limits.LeastMtu, Limits.MostMtu) } }),
        new("threads", (draft, node, read) => draft with { Value = draft.Value with { Threads = read.Number(node, 1, 64) ?? draft.Value.Threads } }),
        new("spin", (draft, node, read) => draft with { Value = draft.Value with { Spin = read.Duration(node, TimeSpan.FromMilliseconds(10)) ?? draft.Value.Spin } }),
        new("ageing", (draft, node, read) => draft with { Value = draft.Value with { Ageing = read.Duration(node, TimeSpan.FromDays(1), TimeSpan.FromSeconds(1)) ?? draft.Value.Ageing } }),
    ]);

    public static Section<SwitchPortDeclaration> Port { get; } = new(
    [
        new("mac", (port, node, read) => port with { Macs = SwitchReading.Macs(node, read) ?? port.Macs }),
        new("machine", (port, node, read) => port with { Machine = read.Text(node) ?? port.Machine }),
        new("uplink", (port, _, _) => port),   // SwitchReader reads it, for it decides what the others mean
        new("socket", (port, node, read) => port with { Socket = read.Text(node) ?? port.Socket }),
        new("connect", (port, node, read) => port with { Connects = read.Flag(node) ?? port.Connects }),
        new("mode", (port, node, read) => port with { Mode = read.Mode(node) ?? port.Mode }),
        new("learn", (port, node, read) => port with { Learns = read.Flag(node) ?? port.Learns }),
        new("any-source", (port, node, read) => port with { AnySource = read.Flag(node) ?? port.AnySource }),
        new("mtu", (port, node, read) => port with { Mtu = read.Number(node, Limits.LeastMtu, Limits.MostMtu) ?? port.Mtu }),
        new("queues", (port, node, read) => port with { Queues = read.Number(node, 1, 127) ?? port.Queues }),
        new("backlog", (port, node, read) => port with { BacklogBytes = (int)(read.Size(node, 1 << 17, 1 << 26, 1) ?? port.BacklogBytes) }),
        new("link", (port, node, read) => SwitchReading.Link(node, read) is { } link ? port with { ToGuest = link, FromGuest = link } : port),
        new("to-guest", (port, node, read) => port with { ToGuest = SwitchReading.Link(node, read) ?? port.ToGuest }),
        new("from-guest", (port, node, read) => port with { FromGuest = SwitchReading.Link(node, read) ?? port.FromGuest }),
    ]);

    /// <summary>Where an uplink leads. A stream's socket is the port's.</summary>
    public static Section<SwitchPortDeclaration> Uplink { get; } = new(
    [
        new("tap", (port, node, read) => SwitchReading.WithUplink(port, read.Text(node), static (uplink, name) => uplink with { Tap = name })),
        new("netns", (port, node, read) => SwitchReading.WithUplink(port, read.Text(node), static (uplink, space) => uplink with { NetworkNamespace = space })),
        new("stream", (port, node, read) => SwitchReading.WithUplink(port, read.Text(node), static (uplink, _) => uplink with { IsStream = true }) with { Socket = (node as YamlScalar)?.Text ?? "" }),
        new("connect", (port, node, read) => port with { Connects = read.Flag(node) ?? port.Connects }),
        new("mode", (port, node, read) => port with { Mode = read.Mode(node) ?? port.Mode }),
        new("replay", (port, node, read) => SwitchReading.WithUplink(port, read.FilePath(node), static (uplink, path) => uplink with { Replay = path })),
        new("speed", (port, node, read) => SwitchReading.WithUplink(port, read.Factor(node), static (uplink, speed) => uplink with { Speed = speed })),
        new("record", (port, node, read) => SwitchReading.WithUplink(port, read.FilePath(node), static (uplink, path) => uplink with { Record = path })),
    ]);

    public static Section<TopologyDraft> Topology { get; } = new(
    [
        new("members", (draft, node, read) => draft with { Members = read.Texts(node) is null ? null : node }),
        new("partitions", (draft, node, _) => draft with { Partitions = node }),
        new("cut", (draft, node, _) => draft with { Cut = node }),
    ]);

    public static Section<LinkConditions> Link { get; } = new(
    [
        new("rate", (link, node, read) => link with { BitsPerSecond = read.Rate(node) ?? link.BitsPerSecond }),
        new("delay", (link, node, read) => link with { Delay = read.Duration(node, TimeSpan.FromMinutes(1)) ?? link.Delay }),
        new("jitter", (link, node, read) => link with { Jitter = read.Duration(node, TimeSpan.FromMinutes(1)) ?? link.Jitter }),
        new("loss", (link, node, read) => link with { Loss = read.Share(node) ?? link.Loss }),
        new("duplicate", (link, node, read) => link with { Duplicate = read.Share(node) ?? link.Duplicate }),
        new("reorder", (link, node, read) => link with { Reorder = read.Share(node) ?? link.Reorder }),
        new("seed", (link, node, read) => link with { Seed = read.Number(node, 0, int.MaxValue) ?? link.Seed }),
        new("queue", (link, node, read) => link with { QueueFrames = read.Number(node, 1, 65536) ?? link.QueueFrames }),
    ]);

    public static Section<MachineDeclaration> Machine { get; } = new(
    [
        new("image", (machine, node, read) => node is YamlScalar { Text: var text } && text.Contains('/', StringComparison.Ordinal) ? machine with { Image = read.FilePath(node) ?? machine.Image }
            : read.Choice(node, _images) is null ? machine : machine with { Image = MachineDeclaration.DemoImage }),
        new("kernel", (machine, node, read) => machine with { Kernel = read.FilePath(node) ?? machine.Kernel }),
        new("initrd", (machine, node, read) => machine with { Initrd = read.FilePath(node) ?? machine.Initrd }),
        new("append", (machine, node, read) => machine with { Append = read.Text(node) ?? machine.Append }),
        new("disks", (machine, node, read) => machine with { Disks = Disks(node, read) ?? machine.Disks }),
        new("memory", (machine, node, read) => machine with { MemoryBytes = read.Size(node, 16L << 20, 1L << 40, 1L << 20) ?? machine.MemoryBytes }),
        new("cpus", (machine, node, read) => machine with { Cpus = read.Number(node, 1, 255) ?? machine.Cpus }),
        new("machine", (machine, node, read) => machine with { MachineType = read.Text(node) ?? machine.MachineType }),
        new("accel", (machine, node, read) => machine with { Acceleration = read.Choice(node, _accelerations) ?? machine.Acceleration }),
        new("attach", (machine, node, read) => machine with { Attach = read.Texts(node) ?? machine.Attach }),
        new("ip", (machine, node, read) => machine with { Addresses = SwitchReading.Addresses(node, read) ?? machine.Addresses }),
        new("run", (machine, node, read) => machine with { Run = read.Lines(node) ?? machine.Run }),
        new("modules", (machine, node, read) => machine with { Modules = read.Texts(node) ?? machine.Modules }),
        new("ready", (machine, node, read) => machine with { Ready = read.Text(node) ?? machine.Ready }),
        new("ready-within", (machine, node, read) => machine with { ReadyWithin = read.Duration(node, TimeSpan.FromHours(24)) ?? machine.ReadyWithin }),
        new("restart", (machine, node, read) => machine with { Restart = read.Choice(node, _restarts) ?? machine.Restart }),
        new("grace", (machine, node, read) => machine with { Grace = read.Duration(node, TimeSpan.FromHours(1)) ?? machine.Grace }),
        new("after", (machine, node, read) => machine with { After = read.Texts(node) ?? machine.After }),
        new("qemu", (machine, node, read) => machine with { Qemu = read.TextList(node, "a list of arguments, one item for each word") ?? machine.Qemu }),
    ]);

    public static Section<PolicyDraft> Policy { get; } = new(
    [
        new("who", (rule, node, read) => rule with { Who = Who.Read(node, AccessList.Empty, "'who' of a policy rule", read.Context).Draft }),
        new("may", (rule, node, read) => rule with { May = read.Texts(node) is null ? null : node }),
    ]);

    public static Section<MachineDisk> Disk { get; } = new(
    [
        new("path", (disk, node, read) => disk with { Path = read.FilePath(node) ?? disk.Path }),
        new("format", (disk, node, read) => disk with { Format = read.Text(node) ?? disk.Format }),
        new("readonly", (disk, node, read) => disk with { ReadOnly = read.Flag(node) ?? disk.ReadOnly }),
    ]);

    private static List<MachineDisk>? Disks(YamlNode node, ValueReader read)
    {
        YamlNode[] items = node is YamlList list ? [.. list.Items] : [node];
        List<MachineDisk> disks = [];
        foreach (YamlNode item in items)
        {
            MachineDisk disk = item is YamlMap ? Disk.Read(item, new("", ""), $"a disk of {read.Subject}", read.Context).Draft : new(read.FilePath(item) ?? "", "");
            if (disk.Path.Length == 0)
            {
                if (item is YamlMap) read.Say(item.Place, $"A disk of {read.Subject} has no 'path'.");
                return null;
            }
            disks.Add(disk.Format.Length > 0 ? disk : disk with { Format = disk.Path.EndsWith(".qcow2", StringComparison.Ordinal) ? "qcow2" : "raw" });
        }
        return disks;
    }
}

/// <summary>The limits of values, with their reasons.</summary>
internal static class Limits
{
    /// <summary>QEMU looks at 8 bits of a vector where no eventfd is bound to the doorbell's register, and the highest vector is the server's number, clients + 1.</summary>
    public const int MostClients = 254;
    /// <summary>One for each sender 1..clients + 1, and slot 0's.</summary>
    public const int MostVectors = MostClients + 2;
    /// <summary>128 bytes of slot header and 8 of message.</summary>
    public const int LeastSlot = 136;
    /// <summary>IPv4's least (RFC 791), and what a switch takes.</summary>
    public const int LeastMtu = 68, MostMtu = 65535;
    /// <summary>A directory, and some rings.</summary>
    public const long LeastChannels = 64 << 10;
    /// <summary>As much as a guest's firmware surely maps.</summary>
    public const long MostChannels = 1L << 30;
    /// <summary>What the mailbox takes.</summary>
    public const int MostSlot = 1 << 20;
    /// <summary>A window of grants has a place for the host beside them, and QEMU looks at 8 bits of a vector, one for each place.</summary>
    public const int MostPlaces = 255;
    /// <summary>What the layout of a window of grants takes (docs/specs/grant-window.md).</summary>
    public const int MostWindowPages = 524288, LeastLines = 64, MostLines = 65536;
}

/// <summary>What stands at the top of a file, not yet judged.</summary>
internal sealed record FabricDraft(string? Name, YamlNode? Mailboxes, YamlNode? Regions, YamlNode? Machines, YamlNode? Policy)
{
    public YamlNode? Store { get; init; }
    public YamlNode? Switches { get; init; }

    public YamlNode? Grants { get; init; }
}

/// <summary>The grants, their windows not yet judged.</summary>
internal sealed record GrantsDraft(GrantsDeclaration Value, YamlNode? Windows);

/// <summary>A switch, its ports and topologies not yet judged.</summary>
internal sealed record SwitchDraft(SwitchDeclaration Value, YamlNode? Members, YamlNode? Topologies);

/// <summary>A topology, its names not yet judged.</summary>
internal sealed record TopologyDraft(YamlNode? Members, YamlNode? Partitions, YamlNode? Cut);

/// <summary>One rule of the policy, not yet judged.</summary>
internal sealed record PolicyDraft(AccessList Who, YamlNode? May);
