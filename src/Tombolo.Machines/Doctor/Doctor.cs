// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>Looks for what a host lacks to run machines. What needs a declaration to be judged is judged by the fabric's own checks.</summary>
public static class Doctor
{
    private static readonly Version _oldestTested = new(7, 2);
    private const long LeastSharedBytes = 64L << 20;   // several fabrics of the usual size

    /// <summary>Runs every check of the host; the rows come as they are found.</summary>
    /// <param name="probeFolder">Where the KVM probe keeps its result.</param>
    /// <param name="watcher">Tells when trial processes end.</param>
    /// <param name="time">The clock of the KVM trial.</param>
    /// <param name="cancel">Ends the checks.</param>
    public static async IAsyncEnumerable<CheckResult> ExamineAsync(string probeFolder, ProcessWatcher watcher, TimeProvider time, [EnumeratorCancellation] CancellationToken cancel)
    {
        (CheckResult row, QemuProgram? qemu) = await FindQemuAsync(null, cancel);
        yield return row;
        if (qemu is not null) yield return Device(qemu);
        GuestImage? image = GuestImage.Find();
        if (qemu is not null) yield return Acceleration(await new AccelProbe(qemu.Path, probeFolder, watcher, time).ChooseAsync(image?.KernelPath, cancel), Kvm.WhyNot());
        yield return Image(image);
        if (image is null) yield return ImageParts("/usr/src", "/boot");
        yield return SharedMemory(SharedFile.PosixFolder);
        if (Confinement("/sys/kernel/security/apparmor", ProgramPath.Find("libvirtd") ?? ProgramPath.Find("virtqemud")) is { } confined) yield return confined;
    }

    /// <summary>Is QEMU there, and which?</summary>
    /// <param name="name">Its name or path; null for the usual one.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<(CheckResult Row, QemuProgram? Found)> FindQemuAsync(string? name, CancellationToken cancel)
    {
        try
        {
            QemuProgram qemu = await QemuProgram.FindAsync(name, cancel);
            return qemu.Version >= _oldestTested
                ? (new("qemu", CheckVerdict.Ok, $"QEMU {qemu.Version} at {qemu.Path}."), qemu)
                : (new("qemu", CheckVerdict.Warn, $"QEMU {qemu.Version} at {qemu.Path} is older than {_oldestTested}, the oldest that is tested.", $"Upgrade it: '{QemuProgram.InstallCommand}' on Debian 12 or later."), qemu);
        }
        catch (MachineException exception)
        {
            return (new("qemu", CheckVerdict.Fail, exception.Message, $"Install it: '{QemuProgram.InstallCommand}'."), null);
        }
    }

    /// <summary>Has QEMU the device?</summary>
    /// <param name="qemu">The installed QEMU.</param>
    public static CheckResult Device(QemuProgram qemu) => qemu.HasDoorbell
        ? new("device", CheckVerdict.Ok, "QEMU has the device model ivshmem-doorbell.")
        : new("device", CheckVerdict.Fail, $"{qemu.Path} has no device model ivshmem-doorbell.", $"Install a QEMU built with CONFIG_IVSHMEM_DEVICE, such as Debian's: '{QemuProgram.InstallCommand}'.");

    /// <summary>Does KVM work?</summary>
    /// <param name="choice">What the probe chose.</param>
    /// <param name="whyNot">What <see cref="Kvm.WhyNot"/> says.</param>
    public static CheckResult Acceleration(AccelChoice choice, string? whyNot)
    {
        if (choice.Acceleration == Machines.Acceleration.Kvm) return new("kvm", CheckVerdict.Ok, choice.Reason);
        string fix = whyNot is null ? "Nothing to do here: this host's KVM is not up to it, and guests run emulated, some ten times slower."
            : File.Exists(Kvm.DevicePath) ? $"Join the group that owns {Kvm.DevicePath}: 'adduser USER kvm', and log in again."
            : "Turn on virtualisation in the firmware and load kvm_intel or kvm_amd, or go on with emulation, some ten times slower.";
        return new("kvm", CheckVerdict.Warn, choice.Reason, fix);
    }

    /// <summary>Is the demo image built?</summary>
    /// <param name="image">What was found.</param>
    public static CheckResult Image(GuestImage? image) => image is null
        ? new("guest image", CheckVerdict.Fail, "The demo guest image is not built.", $"Build it with 'make guest', or name its folder in {GuestImage.FolderVariable}; machines with a kernel of their own do not need it.")
        : new("guest image", CheckVerdict.Ok, $"Kernel {image.KernelPath}, initial file system {image.InitrdPath} ({new FileInfo(image.InitrdPath).Length >> 20} MiB).");

    /// <summary>Could the demo image be built?</summary>
    /// <param name="headersFolder">Where kernel headers are.</param>
    /// <param name="kernelFolder">Where kernels are.</param>
    public static CheckResult ImageParts(string headersFolder, string kernelFolder)
    {
        bool hasKernel = Directory.Exists(kernelFolder) && Directory.GetFiles(kernelFolder, "vmlinuz-*").Length > 0;
        bool hasHeaders = Directory.Exists(headersFolder) && Directory.GetDirectories(headersFolder, "linux-headers-*").Length > 0;
        return hasKernel && hasHeaders
            ? new("guest kernel", CheckVerdict.Ok, "A kernel and its headers are installed, so that 'make guest' can build the image and its modules.")
            : new("guest kernel", CheckVerdict.Warn, $"No {(hasKernel ? "kernel headers" : "kernel")} to build the guest image and its modules from.", "Install them: 'apt-get install linux-image-cloud-amd64 linux-headers-cloud-amd64' ('make guest' does).");
    }

    /// <summary>Is there room for named shared memory?</summary>
    /// <param name="folder">Where POSIX shared memory lives.</param>
    public static CheckResult SharedMemory(string folder)
    {
        if (!Directory.Exists(folder)) return new("shared memory", CheckVerdict.Warn, $"{folder} does not exist.", "Mount a tmpfs there; fabrics with unnamed memory, the default, do without.");
        long free = new DriveInfo(folder).AvailableFreeSpace;
        return free >= LeastSharedBytes
            ? new("shared memory", CheckVerdict.Ok, $"{folder} has {free >> 20} MiB free.")
            : new("shared memory", CheckVerdict.Warn, $"{folder} has only {free >> 20} MiB free.", $"Give it more: 'mount -o remount,size=1G {folder}'.");
    }

    /// <summary>Will libvirt's QEMU be kept away from our sockets?</summary>
    /// <param name="appArmorFolder">Exists where AppArmor is on.</param>
    /// <param name="libvirtPath">The libvirt daemon, or null.</param>
    /// <returns>Null where the question does not arise.</returns>
    public static CheckResult? Confinement(string appArmorFolder, string? libvirtPath) => libvirtPath is null || !Directory.Exists(appArmorFolder)
        ? null
        : new("apparmor", CheckVerdict.Warn, "libvirt is installed and AppArmor confines its machines: they may not reach sockets outside the usual folders.",
            "For libvirt machines, add '/run/tombolo/** rw,' to /etc/apparmor.d/local/abstractions/libvirt-qemu and let the mailbox's 'group:' be libvirt-qemu.");
}
