// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Fabric.Reading;
using Tombolo.Grants;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Regions;
using Tombolo.Store;
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>Turns declarations into the options of the layers below. Looks at the host only for names of accounts and for the demo image.</summary>
public static class Translation
{
    /// <summary>A machine's options.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="machine">One of its machines.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <exception cref="FabricException">The demo image is wanted and not built.</exception>
    public static MachineOptions ToMachine(FabricDeclaration declaration, MachineDeclaration machine, FabricPaths paths)
    {
        GuestImage? image = machine.Image switch
        {
            null => null,
            MachineDeclaration.DemoImage => GuestImage.Find() ?? throw new FabricException($"Machine {machine.Name} wants the demo image, which is not built; 'make guest' builds it, or name its folder in {GuestImage.FolderVariable}."),
            var folder => GuestImage.In(folder) ?? throw new FabricException($"Machine {machine.Name} wants the image in {folder}, which has no vmlinuz and initramfs.cpio*."),
        };
        return new()
        {
            Name = machine.Name,
            MemoryBytes = machine.MemoryBytes,
            Cpus = machine.Cpus,
            KernelPath = machine.Kernel ?? image?.KernelPath,
            InitrdPath = machine.Initrd ?? image?.InitrdPath,
            Append = machine.Append,
            Disks = machine.Disks,
            MachineType = machine.MachineType,
            Acceleration = machine.Acceleration,
            Attachments = [.. Attachments(declaration, machine.Attach.Where(name => declaration.Switches.All(one => one.Name != name)), paths)],
            Nics = [.. Nics(declaration, machine, paths)],
            Run = machine.Run,
            Modules = machine.Modules,
            ExtraArguments = machine.Qemu,
            Restart = machine.Restart,
            ReadyMarker = machine.Ready,
            ReadyTimeout = machine.ReadyWithin,
            ShutdownGrace = machine.Grace,
        };
    }

    /// <summary>What a QEMU needs in order to join mailboxes, regions and windows of grants, ours or somebody's own.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="names">Names of its mailboxes, regions and windows, in the order of the devices.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <exception cref="FabricException">A layout file has faults.</exception>
    public static IEnumerable<MachineAttachment> Attachments(FabricDeclaration declaration, IEnumerable<string> names, FabricPaths paths) => names.Select(name =>
        declaration.Mailboxes.FirstOrDefault(mailbox => mailbox.Name == name) is { } mailbox ? new MachineAttachment(name, paths.SocketOf(mailbox), mailbox.Vectors)
            : declaration.Grants?.Windows.FirstOrDefault(one => one.Name == name) is { } pages ? new(name, paths.SocketOf(pages), ToShape(pages).Domains)
            : declaration.Regions.First(window => window.Name == name) is var window ? new(name, paths.QemuSocketOf(window), window.Vectors ?? LayoutOf(window).Regions.Count) : null!);

    /// <summary>A machine's network cards: in the order of what it attaches to, and of each switch's members.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="machine">One of its machines.</param>
    /// <param name="paths">The fabric's files.</param>
    public static IEnumerable<MachineNic> Nics(FabricDeclaration declaration, MachineDeclaration machine, FabricPaths paths) =>
        Cards(declaration, machine).Select(card => ToNic(card.Switch, card.Port, paths) with { Addresses = card.Addresses });

    /// <summary>The network card that a port is for.</summary>
    /// <param name="owner">The switch.</param>
    /// <param name="port">One of its ports, with an address.</param>
    /// <param name="paths">The fabric's files.</param>
    public static MachineNic ToNic(SwitchDeclaration owner, SwitchPortDeclaration port, FabricPaths paths) =>
        new($"{owner.Name}-{port.Name}", paths.SocketOf(port), port.Macs[0]) { Listens = port.Connects, QueuePairs = port.Queues, Mtu = port.Mtu ?? owner.Mtu };

    /// <summary>Ports that are a machine's cards, in the order of its devices, with the addresses declared for them.</summary>
    internal static IEnumerable<(SwitchDeclaration Switch, SwitchPortDeclaration Port, IReadOnlyList<string> Addresses)> Cards(FabricDeclaration declaration, MachineDeclaration machine) =>
        from name in machine.Attach
        from owner in declaration.Switches
        where owner.Name == name
        from port in owner.Ports
        where port.Machine == machine.Name
        select (owner, port, (IReadOnlyList<string>)[.. machine.Addresses.Where(address => Reading.Cards.Of(declaration.Switches, machine.Name, address.Card) is [var only] && only.Port == port).Select(address => address.Address)]);

    /// <summary>A switch's options.</summary>
    /// <param name="declared">The switch.</param>
    /// <param name="paths">The fabric's files.</param>
    public static SwitchOptions ToSwitch(SwitchDeclaration declared, FabricPaths paths) => new()
    {
        Name = declared.Name,
        Ports = [.. declared.Ports.Select(port => ToPort(declared, port, paths))],
        Topologies = [.. declared.Topologies.Select(ToTopology)],
        DataThreads = declared.Threads,
        MaxSpin = declared.Spin,
        Ageing = declared.Ageing,
    };

    /// <summary>A port's options.</summary>
    /// <param name="owner">The switch.</param>
    /// <param name="port">One of its ports.</param>
    /// <param name="paths">The fabric's files.</param>
    public static PortOptions ToPort(SwitchDeclaration owner, SwitchPortDeclaration port, FabricPaths paths) => new()
    {
        Name = port.Name,
        Uplink = ToUplink(port),
        SocketPath = paths.SocketOf(port),
        IsClient = port.Connects,
        SocketMode = port.Mode,
        Macs = [.. port.Macs.Select(text => MacAddress.TryParse(text, out MacAddress mac) ? mac : throw new ArgumentException($"'{text}' is no address.", nameof(port)))],
        AllowsAnySource = port.AnySource || port.Learns,
        Learns = port.Learns,
        Mtu = port.Mtu ?? owner.Mtu ?? Limits.MostMtu,
        QueuePairs = port.Queues,
        BacklogBytes = port.BacklogBytes,
        ToGuest = port.ToGuest,
        FromGuest = port.FromGuest,
    };

    private static UplinkOptions? ToUplink(SwitchPortDeclaration port) => port.Uplink switch
    {
        null => null,
        { Tap: { } tap, NetworkNamespace: var space } => new TapUplink { Device = tap, NetworkNamespace = space is null ? null : UplinkRules.NamespacePath(space) },
        { IsStream: true } => new StreamUplink(),
        var files => new PcapUplink { Replay = files.Replay, Speed = files.Speed, Record = files.Record },
    };

    /// <summary>A topology's options. Of a switch with any, ports in none reach nobody.</summary>
    /// <param name="topology">The topology.</param>
    public static TopologyOptions ToTopology(SwitchTopologyDeclaration topology) =>
        new() { Name = topology.Name, Members = topology.Members, Partitions = topology.Partitions, Cut = [.. topology.Cut.Select(pair => (pair.One, pair.Other))] };

    /// <summary>The layout of a window of regions.</summary>
    /// <param name="window">The window.</param>
    /// <exception cref="FabricException">The file has faults; the message tells them all.</exception>
    public static RegionLayout LayoutOf(RegionsDeclaration window) => LayoutFile.Load(window.Layout) switch
    {
        { Layout: { } layout } => layout,
        var read => throw new FabricException($"Regions {window.Name} have no layout: {string.Join(' ', read.Faults)}"),
    };

    /// <summary>The options of a region server.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="window">One of its windows.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="host">How the fabric is run.</param>
    /// <exception cref="FabricException">The layout file has faults, or a user or group is named that does not exist.</exception>
    public static RegionServerOptions ToRegions(FabricDeclaration declaration, RegionsDeclaration window, FabricPaths paths, FabricHostOptions host)
    {
        string what = $"Regions {window.Name}";
        RegionAccess own = new() { Users = [LinuxProcess.EffectiveUserId], Rights = RegionRights.Write };
        return new()
        {
            Layout = LayoutOf(window),
            ClientSocket = paths.ClientSocketOf(window),
            ClientMode = window.Mode,
            ClientGroup = window.Group is null ? null : Accounts.Group(window.Group, what),
            // Whoever may write may read: rules to write go first, for the first rule that fits counts.
            Access = window.Rules.Count == 0 ? null : [own, .. window.Rules.OrderByDescending(rule => rule.MayWrite).Select(rule => new RegionAccess
            {
                Region = rule.Region,
                Users = [.. rule.Who.Users.Select(name => Accounts.User(name, what))],
                Groups = [.. rule.Who.Groups.Select(name => Accounts.Group(name, what))],
                Rights = rule.MayWrite ? RegionRights.Write : RegionRights.Read,
            })],
            Dialect = window.Words ? ClientDialect.Words : ClientDialect.Number,
            Time = host.Time,
            Doorbell = new()
            {
                SocketPath = paths.QemuSocketOf(window),
                SocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                Backing = window.Memory is null ? MemoryBacking.Memfd : MemoryBacking.Posix,
                MemoryName = window.Memory ?? $"{declaration.Name}-{window.Name}",
                KeeperCommand = host.KeeperCommand,
            },
        };
    }

    /// <summary>The store's options.</summary>
    /// <param name="store">The store.</param>
    /// <param name="grants">The grants, whose offers have keys there; or null.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="host">How the fabric is run.</param>
    /// <exception cref="FabricException">A user or group is named that does not exist.</exception>
    public static StoreServerOptions ToStore(StoreDeclaration store, GrantsDeclaration? grants, FabricPaths paths, FabricHostOptions host)
    {
        const string What = "The store";
        Dictionary<uint, DomainId> users = [];
        foreach (StoreUser user in store.Domains) users[Accounts.User(user.User, What)] = new((ushort)user.Domain);
        if (users.Count > 0) _ = users.TryAdd(LinuxProcess.EffectiveUserId, DomainId.Privileged);
        return new()
        {
            SocketPath = paths.SocketOf(store),
            SocketMode = store.Mode,
            SocketGroup = store.Group is null ? null : Accounts.Group(store.Group, What),
            JournalPath = store.Journal ?? paths.OwnJournalOf(store),
            KeeperCommand = host.KeeperCommand,
            Identify = users.Count == 0 ? static _ => DomainId.Privileged : who => users.TryGetValue(who.UserId, out DomainId domain) ? domain : null,
            Keys = [.. store.Keys.Select(key => new StoreKey(key.Path, key.Value, key.Chmod is null ? null : StorePermissions.Parse(key.Chmod))), .. OfferKeysOf(grants)],
        };
    }

    // A device's memory is a power of two.
    private static long WindowBytesOf(MailboxDeclaration mailbox)
    {
        if (mailbox.ChannelBytes == 0) return 4096;   // what the slots need
        long slots = MailboxGeometry.Create(mailbox.SlotBytes, mailbox.Clients).UsedBytes;
        return (long)BitOperations.RoundUpToPowerOf2((ulong)(MailboxDeclaration.ChannelsAt(slots) + mailbox.ChannelBytes));
    }

    /// <summary>The options of the service for grants.</summary>
    /// <param name="grants">The grants.</param>
    /// <param name="store">The store, which says who is which domain; or null.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="windows">What is granted in the windows, for lists; null: nothing.</param>
    /// <exception cref="FabricException">A user or group is named that does not exist.</exception>
    public static GrantServerOptions ToGrants(GrantsDeclaration grants, StoreDeclaration? store, FabricPaths paths, Func<GrantSnapshot>? windows = null)
    {
        Dictionary<uint, DomainId> users = [];
        foreach (StoreUser user in store?.Domains ?? []) users[Accounts.User(user.User, "The store")] = new((ushort)user.Domain);
        _ = users.Remove(LinuxProcess.EffectiveUserId);   // this user may be any domain
        return new()
        {
            SocketPath = paths.SocketOf(grants),
            SocketMode = grants.Mode,
            SocketGroup = grants.Group is null ? null : Accounts.Group(grants.Group, "The grants"),
            Quotas = new() { Pages = grants.Pages, Ports = grants.Ports },
            Beside = windows ?? (static () => new([], [], [])),
            // What is a place of a window is nobody's at the service.
            Identify = (who, wish) => grants.Windows.Any(window => wish?.Value >= window.First && wish?.Value <= window.Last) ? null
                : users.TryGetValue(who.UserId, out DomainId domain) ? domain : users.Count == 0 || who.UserId == LinuxProcess.EffectiveUserId ? wish ?? DomainId.Privileged : null,
        };
    }

    /// <summary>The layout of a window of grants: the host has a place beside the declared ones.</summary>
    /// <param name="window">The window.</param>
    internal static GrantWindowShape ToShape(GrantWindowDeclaration window) => new() { Domains = window.Places + 1, FirstDomain = window.First - 1, Pages = window.Pages, Entries = window.Grants, Ports = window.Ports };

    /// <summary>The options of a window of grants.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="window">One of its windows.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="host">How the fabric is run.</param>
    /// <param name="machineOf">Names the declared machine that a process is; null for others.</param>
    /// <exception cref="FabricException">A group is named that does not exist.</exception>
    public static WindowHostOptions ToWindow(FabricDeclaration declaration, GrantWindowDeclaration window, FabricPaths paths, FabricHostOptions host, Func<int, string?> machineOf)
    {
        uint? group = window.Group is null ? null : Accounts.Group(window.Group, $"Window {window.Name}");
        return new()
        {
            SocketPath = paths.SocketOf(window),
            Shape = ToShape(window),
            Doorbell = options => options with
            {
                SocketMode = window.Mode,
                SocketGroup = group,
                MemoryName = $"{declaration.Name}-{window.Name}",
                KeeperCommand = host.KeeperCommand,
                PreferredId = who => machineOf(who.ProcessId) is { } machine && declaration.SlotOf(machine, window.Name) is { } place ? new PeerId((ushort)place) : null,
                ReservedIds = declaration.Machines.Select(machine => declaration.SlotOf(machine.Name, window.Name)).OfType<int>().ToHashSet(),
            },
        };
    }

    // The keys of an offer: open to both sides, whoever they are.
    private static IEnumerable<StoreKey> OfferKeysOf(GrantsDeclaration? grants) => (grants?.Offers ?? []).SelectMany(path =>
        OfferKeys.Names.Select(name => new StoreKey($"{path}/{name}", "0", StorePermissions.Parse("b0"))).Prepend(new(path, "", StorePermissions.Parse("b0"))));

    /// <summary>A mailbox's options.</summary>
    /// <param name="declaration">The fabric.</param>
    /// <param name="mailbox">One of its mailboxes.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="host">How the fabric is run.</param>
    /// <param name="machineOf">Names the declared machine that a process is; null for others.</param>
    /// <exception cref="FabricException">A user or group is named that does not exist.</exception>
    public static MailboxOptions ToMailbox(FabricDeclaration declaration, MailboxDeclaration mailbox, FabricPaths paths, FabricHostOptions host, Func<int, string?> machineOf)
    {
        string what = $"Mailbox {mailbox.Name}";
        uint[] users = [.. mailbox.Allow.Users.Select(name => Accounts.User(name, what))];
        uint[] groups = [.. mailbox.Allow.Groups.Select(name => Accounts.Group(name, what))];
        return new()
        {
            Clients = mailbox.Clients,
            SlotSize = mailbox.SlotBytes,
            Recycle = mailbox.Recycle,
            IsManager = mailbox.Manager && !mailbox.Silent,
            IsSilent = mailbox.Silent,
            Time = host.Time,
            Trace = host.Trace?.Invoke(mailbox.Name),
            Doorbell = new()
            {
                SocketPath = paths.SocketOf(mailbox),
                SocketMode = mailbox.Mode,
                SocketGroup = mailbox.Group is null ? null : Accounts.Group(mailbox.Group, what),
                AllowedUsers = mailbox.Allow.IsEmpty ? [] : [.. users.Append(LinuxProcess.EffectiveUserId).Distinct()],
                AllowedGroups = groups,
                MemoryName = $"{declaration.Name}-{mailbox.Name}",
                SizeBytes = WindowBytesOf(mailbox),
                KeeperCommand = host.KeeperCommand,
                PreferredId = who => machineOf(who.ProcessId) is { } machine && declaration.SlotOf(machine, mailbox.Name) is { } slot ? new PeerId((ushort)slot) : null,
                ReservedIds = declaration.Machines.Select(machine => declaration.SlotOf(machine.Name, mailbox.Name)).OfType<int>().ToHashSet(),
            },
        };
    }
}
