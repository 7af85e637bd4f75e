// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Whether the kernel's virtual machine facility answers. Source: Linux Documentation/virt/kvm/api.rst.</summary>
public static partial class Kvm
{
    /// <summary>Where the facility is.</summary>
    public const string DevicePath = "/dev/kvm";

    private const nuint GetApiVersion = 0xAE00, CreateVm = 0xAE01, CreateVcpu = 0xAE41;   // linux/kvm.h, _IO(KVMIO, …)
    private const int StableApiVersion = 12;   // "applications should refuse to run if it is anything but 12"
    private const int ReadWrite = 2, CloseOnExec = 0x80000;   // fcntl.h

    /// <summary>Opens the device, asks its version, makes a machine with one processor, and gives all of it back.</summary>
    /// <returns>Null where all of that went through, otherwise what did not, as half a sentence.</returns>
    /// <remarks>Necessary, not sufficient: there are hosts where all this works and no guest ever boots. Only a boot tells.</remarks>
    public static string? WhyNot()
    {
        using var device = new SafeFd(open(DevicePath, ReadWrite | CloseOnExec));
        if (device.IsInvalid) return $"{DevicePath} cannot be opened: {Reason()}";
        int version = ioctl(device, GetApiVersion, 0);
        if (version != StableApiVersion) return $"{DevicePath} speaks version {version}, not {StableApiVersion}";
        using var machine = new SafeFd(ioctl(device, CreateVm, 0));
        if (machine.IsInvalid) return $"{DevicePath} makes no machine: {Reason()}";
        using var processor = new SafeFd(ioctl(machine, CreateVcpu, 0));
        return processor.IsInvalid ? $"{DevicePath} makes no processor: {Reason()}" : null;
    }

    private static string Reason() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(SafeFd fd, nuint request, nuint argument);
}
