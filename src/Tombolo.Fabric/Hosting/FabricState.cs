// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>A fabric that left traces in the runtime folder.</summary>
/// <param name="Name">Its name.</param>
/// <param name="OwnerProcessId">The process that runs it; 0 where none does (it was killed).</param>
public sealed record FabricPresence(string Name, int OwnerProcessId);

/// <summary>What fabrics leave on the disk while they run. Everything here is for looking; <see cref="FabricHost"/> changes it.</summary>
public static class FabricState
{
    /// <summary>All fabrics that run, or were killed and left something.</summary>
    /// <param name="root">The folder of all fabrics.</param>
    public static IReadOnlyList<FabricPresence> List(string root) => !Directory.Exists(root) ? []
        : [.. Directory.GetDirectories(root).Select(folder => new FabricPaths(root, Path.GetFileName(folder)))
            .Where(paths => File.Exists(paths.Declaration) || File.Exists(paths.Lock)).OrderBy(paths => paths.Name, StringComparer.Ordinal)
            .Select(paths => new FabricPresence(paths.Name, OwnerOf(paths)))];

    /// <summary>The process that runs a fabric; 0 where none does.</summary>
    /// <param name="paths">Its files.</param>
    public static int OwnerOf(FabricPaths paths) => FileLock.OwnerOf(paths.Lock);

    /// <summary>Machines of a fabric that run, whoever started them.</summary>
    /// <param name="paths">Its files.</param>
    /// <returns>Name and process id.</returns>
    public static IReadOnlyList<(string Name, int ProcessId)> RunningMachines(FabricPaths paths) => !Directory.Exists(paths.Machines) ? []
        : [.. Directory.GetDirectories(paths.Machines).Select(folder => (Name: Path.GetFileName(folder), Process: Machine.FindRunning(new(folder))))
            .Where(found => found.Process is not null).Select(found => (found.Name, found.Process!.ProcessId)).OrderBy(found => found.Name, StringComparer.Ordinal)];

    /// <summary>The declaration that a fabric was brought up with.</summary>
    /// <param name="paths">Its files.</param>
    /// <returns>Null where none is recorded, or none that can still be read.</returns>
    public static FabricDeclaration? RecordedDeclaration(FabricPaths paths)
    {
        if (!File.Exists(paths.Declaration) || !File.Exists(paths.Origin)) return null;
        try { return FabricFile.Parse(File.ReadAllBytes(paths.Declaration), File.ReadAllText(paths.Origin).Trim(), paths.Root).Declaration; }
        catch (IOException) { return null; }   // it went down in this moment
    }

    /// <summary>How a fabric stands that nobody runs: only what the disk and the processes tell.</summary>
    /// <param name="paths">Its files.</param>
    /// <returns>Null where nothing is recorded.</returns>
    public static FabricStatus? Leftover(FabricPaths paths) => RecordedDeclaration(paths) is not { } declaration ? null
        : new(declaration.Name, OwnerOf(paths), paths.Folder,
            [.. declaration.Mailboxes.Select(mailbox => new MailboxStatus { Name = mailbox.Name, Socket = paths.SocketOf(mailbox), IsUp = false, Clients = mailbox.Clients, SlotBytes = mailbox.SlotBytes })],
            [.. declaration.Machines.Select(machine => Row(declaration, paths, machine, StatusOf(paths.Machine(machine.Name), machine)))])
        { Regions = [.. declaration.Regions.Select(window => Describe(window, paths))], Switches = [.. declaration.Switches.Select(one => Describe(one, paths))], Store = declaration.Store is { } store ? new() { Socket = paths.SocketOf(store) } : null, Grants = declaration.Grants is { } grants ? Describe(grants, paths) : null };

    internal static GrantsStatus Describe(GrantsDeclaration grants, FabricPaths paths) => new() { Socket = paths.SocketOf(grants), Windows = [.. grants.Windows.Select(window => Describe(window, paths))] };

    internal static GrantWindowStatus Describe(GrantWindowDeclaration window, FabricPaths paths) =>
        new() { Name = window.Name, Socket = paths.SocketOf(window), WindowBytes = Translation.ToShape(window).WindowBytes, First = window.First, Places = window.Places };

    internal static RegionsStatus Describe(RegionsDeclaration window, FabricPaths paths) =>
        new() { Name = window.Name, QemuSocket = paths.QemuSocketOf(window), ClientSocket = paths.ClientSocketOf(window) };

    internal static SwitchStatus Describe(SwitchDeclaration declared, FabricPaths paths) => new()
    {
        Name = declared.Name,
        Threads = declared.Threads,
        Mtu = declared.Mtu,
        Ports = [.. declared.Ports.Select(port => new SwitchPortStatus { Settings = port, Socket = paths.SocketOf(port) })],
        Topologies = declared.Topologies,
    };

    internal static MachineRow Row(FabricDeclaration declaration, FabricPaths paths, MachineDeclaration machine, MachineStatus status)
    {
        MachineFolder folder = paths.Machine(machine.Name);
        return new(status, machine.MemoryBytes, machine.Attach.Where(name => declaration.Switches.All(one => one.Name != name)).ToDictionary(mailbox => mailbox, mailbox => declaration.SlotOf(machine.Name, mailbox) ?? 0), folder.ConsoleSocket, folder.ConsoleLog, folder.QemuLog)
        { Cards = [.. Translation.Cards(declaration, machine).Select(card => new CardRow(card.Switch.Name, card.Port.Name, card.Port.Macs[0], card.Addresses))] };
    }

    private static MachineStatus StatusOf(MachineFolder folder, MachineDeclaration machine)
    {
        ProcessIdentity? running = Machine.FindRunning(folder);
        MachineRecord? record = MachineRecord.TryLoad(folder.RecordFile);
        return new(machine.Name, running is null ? MachineState.Stopped : MachineState.Starting, running?.ProcessId, running is null ? null : record?.StartedAt, null,
            record?.Acceleration ?? machine.Acceleration, record?.Restarts ?? 0, Adopted: false, null, null);
    }
}
