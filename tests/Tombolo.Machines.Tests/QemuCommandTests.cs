// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Machines.Tests;

public sealed class QemuCommandTests
{
    private static readonly MachineFolder _folder = new("/run/t/demo/vm0");
    private static readonly MachineOptions _options = new() { Name = "vm0", KernelPath = "/k/vmlinuz", InitrdPath = "/k/initramfs.cpio" };

    private static string[] Build(MachineOptions options, Acceleration acceleration = Acceleration.Tcg) => [.. QemuCommand.Build(options, _folder, acceleration)];

    [Fact]
    public void Build_MachineOfDefaults_GivesTheGoldenArguments() => Build(_options with
    {
        Run = ["echo hello"],
        Attachments = [new("genz", "/run/t/demo/genz.sock", 16)],
    }).ShouldBe([
        "-name", "guest=vm0,process=tombolo-vm0",
        "-machine", "pc",
        "-accel", "tcg",
        "-m", "256M",
        "-smp", "1",
        "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
        "-pidfile", "/run/t/demo/vm0/qemu.pid",
        "-chardev", "socket,id=tombolo-console,server=on,wait=off,path=/run/t/demo/vm0/console.sock,logfile=/run/t/demo/vm0/console.log,logappend=on",
        "-serial", "chardev:tombolo-console",
        "-qmp", "unix:/run/t/demo/vm0/qmp.sock,server=on,wait=off",
        "-kernel", "/k/vmlinuz",
        "-initrd", "/k/initramfs.cpio",
        "-append", "console=ttyS0 panic=-1 quiet",
        "-chardev", "socket,id=doorbell-genz,path=/run/t/demo/genz.sock",
        "-device", "ivshmem-doorbell,id=doorbell-genz,vectors=16,chardev=doorbell-genz",
        "-fw_cfg", "name=opt/tombolo/name,string=vm0",
        "-fw_cfg", "name=opt/tombolo/run,file=/run/t/demo/vm0/run.sh",
    ]);

    [Fact]
    public void Build_Kvm_UsesTheHostsProcessor()
    {
        string[] arguments = Build(_options, Acceleration.Kvm);
        arguments[Array.IndexOf(arguments, "-accel") + 1].ShouldBe("kvm");
        arguments[Array.IndexOf(arguments, "-cpu") + 1].ShouldBe("host");
    }

    [Fact]
    public void Build_CommasInPaths_AreDoubledWhereQemuSplitsAtThem()
    {
        string[] arguments = [.. QemuCommand.Build(_options with
        {
            Attachments = [new("genz", "/a,b/genz.sock", 2)],
            Disks = [new("/a,b/disk.qcow2", "qcow2", ReadOnly: true)],
            Modules = ["tombolo", "tombolo_bridge"],
        }, new("/x,y/vm0"), Acceleration.Tcg)];
        arguments.ShouldContain("socket,id=doorbell-genz,path=/a,,b/genz.sock");
        arguments.ShouldContain("file=/a,,b/disk.qcow2,if=virtio,index=0,format=qcow2,readonly=on");
        arguments.ShouldContain("unix:/x,,y/vm0/qmp.sock,server=on,wait=off");
        arguments.ShouldContain("name=opt/tombolo/modules,string=tombolo tombolo_bridge");
        arguments[Array.IndexOf(arguments, "-pidfile") + 1].ShouldBe("/x,y/vm0/qemu.pid");   // no option list: taken as it is
    }

    [Fact]
    public void Build_DoorbellDevice_NeverAsksForReconnect() =>
        Build(_options with { Attachments = [new("genz", "/s", 16)] }).ShouldAllBe(argument => !argument.Contains("reconnect"));

    [Fact]
    public void Build_ExtraArguments_ComeLastAndUnchanged() =>
        Build(_options with { ExtraArguments = ["-device", "virtio-rng-pci", "a b'c\"$d"] })[^3..].ShouldBe(["-device", "virtio-rng-pci", "a b'c\"$d"]);

    [Fact]
    public void Build_LongName_KeepsTheProcessNameWithinTheKernelsFifteenBytes() =>
        Build(_options with { Name = "a-machine-with-a-long-name" })[1].ShouldBe("guest=a-machine-with-a-long-name,process=tombolo-a-machi");

    [Fact]
    public void Build_Auto_IsTheCallersMistake() => Should.Throw<ArgumentException>(() => Build(_options, Acceleration.Auto));

    [Fact]
    public void Build_OptionsWithProblems_NamesThem() =>
        Should.Throw<ArgumentException>(() => Build(_options with { Cpus = 0 })).Message.ShouldContain("Machine vm0 has 0 processors; it must have 1 to 255.");

    public static TheoryData<string, string> Broken => new()
    {
        { "name", "The machine's name '9x' must be a letter followed by at most 30 letters, digits and '-'." },
        { "memory", "Machine vm0 has 1048577 bytes of memory; it must be a multiple of 1 MiB and 16 MiB at least." },
        { "boot", "Machine vm0 has neither a kernel nor a disk to boot from." },
        { "vectors", "Machine vm0 attaches to genz with 2049 vectors; QEMU takes 1 to 2048." },
        { "twice", "Machine vm0 attaches to the same name twice." },
        { "initrd", "Machine vm0 has an initrd but no kernel that could use it." },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Problems_OneFault_IsOneSentence(string which, string sentence)
    {
        MachineOptions broken = which switch
        {
            "name" => _options with { Name = "9x" },
            "memory" => _options with { MemoryBytes = (1 << 20) + 1 },
            "boot" => _options with { KernelPath = null, InitrdPath = null },
            "vectors" => _options with { Attachments = [new("genz", "/s", 2049)] },
            "twice" => _options with { Attachments = [new("genz", "/s", 1), new("genz", "/t", 1)] },
            _ => _options with { KernelPath = null, Disks = [new("/d")] },
        };
        broken.Problems().ShouldBe([sentence]);
    }
}
