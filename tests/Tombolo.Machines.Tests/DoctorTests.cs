// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Machines.Tests;

public sealed class DoctorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FindQemu_NotInstalled_NamesTheFix()
    {
        (CheckResult row, QemuProgram? found) = await Doctor.FindQemuAsync("qemu-system-none", CancellationToken.None);
        found.ShouldBeNull();
        row.Verdict.ShouldBe(CheckVerdict.Fail);
        row.Finding.ShouldBe($"QEMU (qemu-system-none) is not installed; '{QemuProgram.InstallCommand}' installs it.");
    }

    [Theory]
    [InlineData("QEMU emulator version 7.2.22 (Debian 1:7.2)", CheckVerdict.Ok)]
    [InlineData("QEMU emulator version 5.2.0", CheckVerdict.Warn)]
    [InlineData("hello", CheckVerdict.Fail)]
    public async Task FindQemu_Version_IsJudged(string words, CheckVerdict verdict)
    {
        string qemu = _folder.Write("qemu", $"#!/bin/sh\ncase $1 in --version) echo '{words}';; *) echo 'name \"ivshmem-doorbell\", bus PCI';; esac\n", executable: true);
        (CheckResult row, QemuProgram? found) = await Doctor.FindQemuAsync(qemu, CancellationToken.None);
        row.Verdict.ShouldBe(verdict);
        if (found is not null) found.HasDoorbell.ShouldBeTrue();
    }

    [Fact]
    public void Device_Missing_Fails() => Doctor.Device(new("/q", new(8, 0), HasDoorbell: false)).Verdict.ShouldBe(CheckVerdict.Fail);

    [Fact]
    public void Image_Missing_NamesTheFix() => Doctor.Image(null).Fix!.ShouldContain("make guest");

    [Fact]
    public void Image_Found_IsNamed()
    {
        _ = _folder.Write("vmlinuz", "");
        GuestImage.In(_folder.FullPath).ShouldBeNull();
        string initrd = _folder.Write("initramfs.cpio.gz", "");
        Doctor.Image(GuestImage.In(_folder.FullPath)).Finding.ShouldContain(initrd);
    }

    [Fact]
    public void Acceleration_Emulation_WarnsAndNamesTheFix()
    {
        CheckResult row = Doctor.Acceleration(new(Acceleration.Tcg, "Emulation (tcg), because …."), "/dev/kvm cannot be opened");
        row.Verdict.ShouldBe(CheckVerdict.Warn);
        row.Fix.ShouldNotBeNull();
    }

    [Fact]
    public void Acceleration_Kvm_IsFine() => Doctor.Acceleration(new(Acceleration.Kvm, "KVM."), null).Verdict.ShouldBe(CheckVerdict.Ok);

    [Fact]
    public void ImageParts_NothingInstalled_NamesThePackages() =>
        Doctor.ImageParts(_folder["none"], _folder["none"]).Fix!.ShouldContain("linux-headers-cloud-amd64");

    [Fact]
    public void Confinement_OnlyWithLibvirtAndAppArmor()
    {
        Doctor.Confinement(_folder.FullPath, null).ShouldBeNull();
        Doctor.Confinement(_folder["none"], "/usr/sbin/libvirtd").ShouldBeNull();
        Doctor.Confinement(_folder.FullPath, "/usr/sbin/libvirtd")!.Fix!.ShouldContain("abstractions/libvirt-qemu");
    }
}
