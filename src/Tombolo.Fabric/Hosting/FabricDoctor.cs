// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>Judges a declaration, or the place where fabrics would run, against this host. What needs no declaration beyond that is <see cref="Doctor"/>'s.</summary>
public static class FabricDoctor
{
    private const long LeastDescriptors = 1024;   // a mailbox of the usual size takes some 400
    private const long DescriptorsOfAProcess = 160;   // runtime, logs, admin interface, and what a doorbell server needs beside its clients
    private const long QemuOverheadBytes = 96L << 20;   // what QEMU takes beside its guest's memory; measured at 60 to 90 MiB

    /// <summary>Runs every check.</summary>
    /// <param name="root">The folder of all fabrics.</param>
    /// <param name="declaration">What is to be brought up; null judges the place alone.</param>
    public static IEnumerable<CheckResult> Examine(string root, FabricDeclaration? declaration)
    {
        yield return RuntimeFolder(root);
        yield return PathLength(root);
        yield return Descriptors(declaration, ResourceLimit.RaiseOpenFiles());
        if (declaration is not null)
        {
            yield return Memory(declaration, AvailableBytes(File.ReadAllLines("/proc/meminfo")));
            foreach (CheckResult row in Files(declaration).Concat(Uplinks(declaration))) yield return row;
            foreach (CheckResult row in Names(declaration)) yield return row;
        }
        foreach (CheckResult row in State(root)) yield return row;
    }

    /// <summary>Can we write where fabrics keep their files?</summary>
    /// <param name="root">The folder of all fabrics; made where it does not exist.</param>
    public static CheckResult RuntimeFolder(string root)
    {
        try
        {
            _ = Directory.CreateDirectory(root);
            string trial = Path.Combine(root, $".trial-{Environment.ProcessId}");
            File.WriteAllText(trial, "");
            File.Delete(trial);
            return new("runtime folder", CheckVerdict.Ok, $"{root} can be written.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new("runtime folder", CheckVerdict.Fail, $"{root} cannot be written: {exception.Message}", $"Set XDG_RUNTIME_DIR or {FabricPaths.RootVariable} to a folder of yours on a local file system.");
        }
    }

    /// <summary>Do sockets fit below it?</summary>
    /// <param name="root">The folder of all fabrics.</param>
    public static CheckResult PathLength(string root)
    {
        int most = UnixSocket.MaxPathBytes - System.Text.Encoding.UTF8.GetByteCount(new FabricPaths(root, "").Machine("").LongestSocket) - 2;   // two more slashes
        return most >= 24
            ? new("socket paths", CheckVerdict.Ok, $"A fabric's and a machine's name may have {most} characters together below {root}.")
            : new("socket paths", most >= 8 ? CheckVerdict.Warn : CheckVerdict.Fail, $"A fabric's and a machine's name may have only {Math.Max(0, most)} characters together below {root}, because a socket's path has at most {UnixSocket.MaxPathBytes} bytes.",
                $"Set {FabricPaths.RootVariable} to a shorter folder, such as /tmp/tombolo.");
    }

    /// <summary>May a process open as many files as the mailboxes need?</summary>
    /// <param name="declaration">What is to be brought up; null asks for a usual fabric.</param>
    /// <param name="limit">How many files a process may open.</param>
    public static CheckResult Descriptors(FabricDeclaration? declaration, long limit)
    {
        long needed = declaration is null ? LeastDescriptors : DescriptorsOfAProcess + declaration.Mailboxes.Sum(mailbox => (mailbox.Clients + 1L) * (mailbox.Clients + 2) + (2L * mailbox.Clients) + 16);
        string need = declaration is null ? $"a usual fabric needs up to {needed}" : $"the mailboxes of {declaration.Name} need {needed}";
        return limit >= needed
            ? new("descriptors", CheckVerdict.Ok, $"A process may have {limit} descriptors; {need}.")
            : new("descriptors", CheckVerdict.Fail, $"A process may have {limit} descriptors, but {need}.", $"Raise the hard limit ('ulimit -Hn {needed}' as root, /etc/security/limits.conf, or LimitNOFILE in a unit), or declare fewer 'clients'.");
    }

    /// <summary>Is there memory for the machines?</summary>
    /// <param name="declaration">What is to be brought up.</param>
    /// <param name="availableBytes">What the host has left.</param>
    public static CheckResult Memory(FabricDeclaration declaration, long availableBytes)
    {
        long needed = declaration.Machines.Sum(machine => machine.MemoryBytes + QemuOverheadBytes);
        return needed <= availableBytes
            ? new("memory", CheckVerdict.Ok, $"{declaration.Machines.Count} machines take up to {needed >> 20} MiB; {availableBytes >> 20} MiB are available.")
            : new("memory", CheckVerdict.Warn, $"{declaration.Machines.Count} machines take up to {needed >> 20} MiB, but only {availableBytes >> 20} MiB are available.", "Declare less 'memory' or fewer machines, or end other programs; guests that use all of theirs would be killed.");
    }

    /// <summary>Are kernels, initial file systems and disks there?</summary>
    /// <param name="declaration">What is to be brought up.</param>
    public static IEnumerable<CheckResult> Files(FabricDeclaration declaration) =>
        from machine in declaration.Machines
        from path in new[] { machine.Kernel, machine.Initrd }.OfType<string>().Concat(machine.Disks.Select(disk => disk.Path))
        where !File.Exists(path)
        select new CheckResult("files", CheckVerdict.Fail, $"Machine {machine.Name} needs {path}, which does not exist.", "Put it there, or correct the path in the declaration.");

    /// <summary>Are the files and network namespaces there to which uplinks lead?</summary>
    /// <param name="declaration">What is to be brought up.</param>
    public static IEnumerable<CheckResult> Uplinks(FabricDeclaration declaration)
    {
        foreach ((string what, SwitchUplinkDeclaration uplink) in declaration.Switches.SelectMany(one => one.Ports.Where(static port => port.Uplink is not null).Select(port => ($"Member {port.Name} of switch {one.Name}", port.Uplink!))))
        {
            if (uplink.Replay is { } replay && !File.Exists(replay)) yield return new("uplinks", CheckVerdict.Fail, $"{what} replays {replay}, which does not exist.", "Put it there, or correct the path in the declaration.");
            if (uplink.NetworkNamespace is { } space && !File.Exists(UplinkRules.NamespacePath(space))) yield return new("uplinks", CheckVerdict.Fail, $"{what} has its tap in the network namespace {space}, which does not exist.", "Make it ('ip netns add'), or correct the declaration.");
            if (uplink.Tap is { } tap && !File.Exists("/dev/net/tun")) yield return new("uplinks", CheckVerdict.Fail, $"{what} leads to the tap {tap}, but there is no /dev/net/tun.", "Load the module: modprobe tun.");
        }
    }

    /// <summary>Do the named users and groups exist?</summary>
    /// <param name="declaration">What is to be brought up.</param>
    public static IEnumerable<CheckResult> Names(FabricDeclaration declaration)
    {
        foreach (MailboxDeclaration mailbox in declaration.Mailboxes)
        {
            foreach (string user in mailbox.Allow.Users.Where(name => Accounts.Find("/etc/passwd", name) is null))
                yield return new("accounts", CheckVerdict.Fail, $"Mailbox {mailbox.Name} names user '{user}', who does not exist on this host.", "Use a number, or add the user.");
            foreach (string group in mailbox.Allow.Groups.Concat(mailbox.Group is null ? [] : [mailbox.Group]).Where(name => Accounts.Find("/etc/group", name) is null))
                yield return new("accounts", CheckVerdict.Fail, $"Mailbox {mailbox.Name} names group '{group}', which does not exist on this host.", "Use a number, or add the group.");
        }
    }

    /// <summary>What do fabrics that were killed leave?</summary>
    /// <param name="root">The folder of all fabrics.</param>
    public static IEnumerable<CheckResult> State(string root)
    {
        IReadOnlyList<FabricPresence> present = FabricState.List(root);
        foreach (FabricPresence fabric in present.Where(fabric => fabric.OwnerProcessId == 0))
        {
            int machines = FabricState.RunningMachines(new(root, fabric.Name)).Count;
            yield return new("state", CheckVerdict.Warn, $"Fabric {fabric.Name} has no owner any more{(machines == 0 ? "" : $", and {machines} of its machines still run")}.", $"'tombolo up' takes it over, 'tombolo down --fabric {fabric.Name}' ends what is left.");
        }
        if (present.All(fabric => fabric.OwnerProcessId != 0))
            yield return new("state", CheckVerdict.Ok, present.Count == 0 ? "No fabric runs." : $"Running: {string.Join(", ", present.Select(fabric => $"{fabric.Name} (pid {fabric.OwnerProcessId})"))}.");
    }

    // Source: proc(5), /proc/meminfo.
    internal static long AvailableBytes(IEnumerable<string> lines) =>
        lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words is ["MemAvailable:", _, "kB"])
            .Select(words => long.Parse(words[1], CultureInfo.InvariantCulture) << 10).FirstOrDefault();
}
