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
    public void Build_NetworkCards_ShareTheMemory_AndTellTheGuestItsAddresses()
    {
        MachineOptions options = _options with
        {
            Nics =
            [
                new("lan-vm0", "/run/t/demo/lan,vm0.sock", "02:00:00:00:aa:01") { Addresses = ["192.168.1.1/24", "fd00::1/64"] },
                new("wan-vm0", "/run/t/demo/wan.sock", "02:00:00:00:aa:02") { Listens = true, QueuePairs = 2, Mtu = 1400, Addresses = ["10.0.0.1/8"] },
            ],
        };
        string[] arguments = Build(options);
        arguments[2..6].ShouldBe(["-object", "memory-backend-memfd,id=tombolo-ram,size=256M,share=on", "-machine", "pc,memory-backend=tombolo-ram"]);
        int at = Array.IndexOf(arguments, "-netdev") - 2;
        arguments[at..(at + 12)].ShouldBe([
            "-chardev", "socket,id=nic-lan-vm0,path=/run/t/demo/lan,,vm0.sock,reconnect=1",
            "-netdev", "vhost-user,id=nic-lan-vm0,chardev=nic-lan-vm0",
            "-device", "virtio-net-pci,id=nic-lan-vm0,netdev=nic-lan-vm0,mac=02:00:00:00:aa:01,vectors=0,romfile=",
            "-chardev", "socket,id=nic-wan-vm0,path=/run/t/demo/wan.sock,server=on,wait=off",
            "-netdev", "vhost-user,id=nic-wan-vm0,chardev=nic-wan-vm0,queues=2",
            "-device", "virtio-net-pci,id=nic-wan-vm0,netdev=nic-wan-vm0,mac=02:00:00:00:aa:02,mq=on,vectors=0,host_mtu=1400,romfile=",
        ]);
        arguments.ShouldContain("name=opt/tombolo/net,string=02:00:00:00:aa:01=192.168.1.1/24 02:00:00:00:aa:01=fd00::1/64 02:00:00:00:aa:02=10.0.0.1/8");
        string[] fast = Build(options, Acceleration.Kvm);
        fast.ShouldContain("virtio-net-pci,id=nic-wan-vm0,netdev=nic-wan-vm0,mac=02:00:00:00:aa:02,mq=on,vectors=6,host_mtu=1400,romfile=");
        fast.ShouldContain("virtio-net-pci,id=nic-lan-vm0,netdev=nic-lan-vm0,mac=02:00:00:00:aa:01,romfile=");
        Build(options with { MachineType = "pc,memory-backend=mine" }).ShouldContain("pc,memory-backend=mine");   // who brings a backend of his own knows why
        (options with { Nics = [options.Nics[0], options.Nics[0] with { QueuePairs = 0 }] }).Problems().Count().ShouldBe(2);
    }

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
