// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Machines;

/// <summary>Builds QEMU's argument list for a machine. A pure function; nothing is quoted because no shell reads it.</summary>
/// <remarks>Source: qemu-system-x86_64(1) of QEMU 7.2. A comma inside an option's value is doubled ("Device URL Syntax", -drive, -chardev).</remarks>
public static class QemuCommand
{
    /// <summary>The arguments after the program's name.</summary>
    /// <param name="options">The machine; without problems.</param>
    /// <param name="folder">Its files.</param>
    /// <param name="acceleration">Kvm or Tcg: what the probe chose.</param>
    /// <exception cref="ArgumentException">The acceleration is still Auto, or the options have problems (the message lists them).</exception>
    public static IReadOnlyList<string> Build(MachineOptions options, MachineFolder folder, Acceleration acceleration)
    {
        if (acceleration == Acceleration.Auto) throw new ArgumentException("Auto is no acceleration that QEMU knows; choose Kvm or Tcg first.", nameof(acceleration));
        string problems = string.Join(" ", options.Problems());
        if (problems.Length > 0) throw new ArgumentException(problems, nameof(options));

        List<string> arguments = [.. Hardware(options, acceleration), .. Control(folder), .. Boot(options)];
        for (int i = 0; i < options.Disks.Count; i++) arguments.AddRange(["-drive", Drive(options.Disks[i], i)]);
        foreach (MachineAttachment attachment in options.Attachments) arguments.AddRange(Doorbell(attachment));
        foreach (MachineNic nic in options.Nics) arguments.AddRange(Nic(nic, acceleration));
        arguments.AddRange(Guest(options, folder));
        arguments.AddRange(options.ExtraArguments);
        return arguments;
    }

    /// <summary>The two options that join QEMU to a doorbell server.</summary>
    /// <param name="attachment">The server's socket and the number of vectors.</param>
    /// <remarks><c>reconnect=</c> is left out on purpose: QEMU 7.2 hangs at start with it (the device reads its set-up synchronously).</remarks>
    public static IEnumerable<string> Doorbell(MachineAttachment attachment) =>
    [
        "-chardev", $"socket,id=doorbell-{attachment.Name},path={Escape(attachment.SocketPath)}",
        "-device", $"ivshmem-doorbell,id=doorbell-{attachment.Name},vectors={Number(attachment.Vectors)},chardev=doorbell-{attachment.Name}",
    ];

    /// <summary>The options that give QEMU a network card of a virtual switch. Guest memory must be shared: see <see cref="SharedMemory"/>.</summary>
    /// <param name="nic">The card.</param>
    /// <param name="acceleration">What runs the processor.</param>
    /// <remarks>
    /// <c>vectors=0</c> under emulation: QEMU 7.2 crashes with vectors there when the driver starts. <c>reconnect=1</c>: a switch that was killed is found again after a second at most.
    /// <c>romfile=</c>: nobody boots from it, and Debian's ROM is in a package of its own.
    /// </remarks>
    public static IEnumerable<string> Nic(MachineNic nic, Acceleration acceleration)
    {
        string id = $"nic-{nic.Name}", several = nic.QueuePairs > 1 ? $",queues={Number(nic.QueuePairs)}" : "";
        string vectors = acceleration == Acceleration.Tcg ? ",vectors=0" : nic.QueuePairs > 1 ? $",vectors={Number((2 * nic.QueuePairs) + 2)}" : "";   // one for each ring, control and configuration
        return
        [
            "-chardev", $"socket,id={id},path={Escape(nic.SocketPath)},{(nic.Listens ? "server=on,wait=off" : "reconnect=1")}",
            "-netdev", $"vhost-user,id={id},chardev={id}{several}",
            "-device", $"virtio-net-pci,id={id},netdev={id},mac={nic.Mac}{(nic.QueuePairs > 1 ? ",mq=on" : "")}{vectors}{(nic.Mtu is { } mtu ? $",host_mtu={Number(mtu)}" : "")},romfile=",
        ];
    }

    /// <summary>The options that make guest memory shareable with a switch, and the property of <c>-machine</c> that uses it.</summary>
    /// <param name="memoryBytes">Guest memory.</param>
    public static (IReadOnlyList<string> Arguments, string MachineProperty) SharedMemory(long memoryBytes) =>
        (["-object", $"memory-backend-memfd,id={MemoryId},size={Number(memoryBytes >> 20)}M,share=on"], $"memory-backend={MemoryId}");

    private const string MemoryId = "tombolo-ram";

    /// <summary>Doubles commas, which end a value in QEMU's options.</summary>
    /// <param name="value">A path or text.</param>
    public static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    private static IEnumerable<string> Hardware(MachineOptions options, Acceleration acceleration)
    {
        yield return "-name";
        yield return $"guest={options.Name},process=tombolo-{options.Name[..Math.Min(options.Name.Length, 7)]}";   // the kernel keeps 15 bytes of a process name
        // Who gives a memory backend in the machine's type has reasons; it must be shared then.
        (IReadOnlyList<string> shared, string property) = options.Nics.Count == 0 || options.MachineType.Contains("memory-backend=", StringComparison.Ordinal) ? ([], "") : SharedMemory(options.MemoryBytes);
        foreach (string argument in shared) yield return argument;
        yield return "-machine";
        yield return shared.Count == 0 ? options.MachineType : $"{options.MachineType},{property}";
        yield return "-accel";
        yield return acceleration == Acceleration.Kvm ? "kvm" : "tcg";
        if (acceleration == Acceleration.Kvm)
        {
            yield return "-cpu";
            yield return "host";
        }
        yield return "-m";
        yield return $"{Number(options.MemoryBytes >> 20)}M";
        yield return "-smp";
        yield return Number(options.Cpus);
        yield return "-nodefaults";
        yield return "-no-user-config";
        yield return "-nographic";
        yield return "-no-reboot";
    }

    // QEMU owns console, log and control socket, so that all three outlive us.
    private static IEnumerable<string> Control(MachineFolder folder) =>
    [
        "-pidfile", folder.PidFile,
        "-chardev", $"socket,id=tombolo-console,server=on,wait=off,path={Escape(folder.ConsoleSocket)},logfile={Escape(folder.ConsoleLog)},logappend=on",
        "-serial", "chardev:tombolo-console",
        "-qmp", $"unix:{Escape(folder.QmpSocket)},server=on,wait=off",
    ];

    private static IEnumerable<string> Boot(MachineOptions options)
    {
        if (options.KernelPath is null) yield break;
        yield return "-kernel";
        yield return options.KernelPath;
        if (options.InitrdPath is not null)
        {
            yield return "-initrd";
            yield return options.InitrdPath.Replace(",", ",,", StringComparison.Ordinal);   // a comma separates multiboot modules
        }
        yield return "-append";
        yield return options.Append.Length == 0 ? KernelArguments : $"{KernelArguments} {options.Append}";
    }

    // panic=-1 turns a panic into a reset at once, and -no-reboot turns a reset into QEMU's end.
    private const string KernelArguments = "console=ttyS0 panic=-1 quiet";

    private static string Drive(MachineDisk disk, int index) =>
        $"file={Escape(disk.Path)},if=virtio,index={Number(index)},format={Escape(disk.Format)}{(disk.ReadOnly ? ",readonly=on" : "")}";

    // The contract with the guest image: opt/tombolo/… of the firmware configuration device.
    private static IEnumerable<string> Guest(MachineOptions options, MachineFolder folder)
    {
        yield return "-fw_cfg";
        yield return $"name=opt/tombolo/name,string={Escape(options.Name)}";
        if (options.Run.Count > 0)
        {
            yield return "-fw_cfg";
            yield return $"name=opt/tombolo/run,file={Escape(folder.RunScript)}";
        }
        string[] nets = [.. options.Nics.SelectMany(nic => nic.Addresses.Select(address => $"{nic.Mac}={address}"))];
        if (nets.Length > 0)
        {
            yield return "-fw_cfg";
            yield return $"name=opt/tombolo/net,string={Escape(string.Join(' ', nets))}";
        }
        if (options.Modules is { } modules)
        {
            yield return "-fw_cfg";
            yield return $"name=opt/tombolo/modules,string={Escape(string.Join(' ', modules))}";
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
