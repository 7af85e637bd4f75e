// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Machines;

namespace Tombolo.Fabric.Tests;

public sealed class DeclarationTests
{
    [Fact]
    public void Read_NamesAlone_GivesEveryDefault()
    {
        FabricDeclaration fabric = Yaml.Good("fabric: demo\nmailboxes: { genz: }\nmachines: { vm0: }\n");
        fabric.Name.ShouldBe("demo");
        fabric.Mailboxes.ShouldHaveSingleItem().ShouldBe(new MailboxDeclaration { Name = "genz", Socket = "genz.sock" });
        MachineDeclaration machine = fabric.Machines.ShouldHaveSingleItem();
        (machine.Image, machine.MemoryBytes, machine.Cpus, machine.Restart, machine.Ready).ShouldBe(("demo", 256L << 20, 1, RestartPolicy.OnFailure, "TOMBOLO-READY"));
    }

    [Fact]
    public void Read_EveryMailboxKey_IsTaken()
    {
        MailboxDeclaration mailbox = Yaml.Good(
            """
            fabric: demo
            mailboxes:
              genz: { socket: /tmp/g.sock, clients: 100, slot: 4K, channels: 1M, recycle: false, manager: false, silent: true, vectors: 128, mode: 0660, group: kvm, allow: { uid: [1000, anna], gid: 36 } }
            """).Mailboxes[0];
        (mailbox with { Allow = AccessList.Empty }).ShouldBe(new MailboxDeclaration
        {
            Name = "genz",
            Socket = "/tmp/g.sock",
            Clients = 100,
            SlotBytes = 4096,
            ChannelBytes = 1 << 20,
            Recycle = false,
            Manager = false,
            Silent = true,
            Vectors = 128,
            Group = "kvm",
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
        });
        mailbox.Allow.Users.ShouldBe(["1000", "anna"]);
        mailbox.Allow.Groups.ShouldBe(["36"]);
    }

    [Fact]
    public void Read_EveryMachineKey_IsTaken()
    {
        MachineDeclaration machine = Yaml.Good(
            """
            fabric: demo
            mailboxes: { a: , b: }
            machines:
              first:
              vm0:
                kernel: boot/vmlinuz
                initrd: /boot/initrd
                append: rw loglevel=7
                disks: [ disk.qcow2, { path: /d/raw.img, readonly: true } ]
                memory: 1G
                cpus: 2
                machine: q35
                accel: tcg
                attach: [ b, a ]
                ready: 'login:'
                ready-within: 5m
                restart: always
                grace: 500ms
                after: first
                qemu: [ -device, virtio-rng-pci ]
            """).Machines[1];
        machine.Image.ShouldBeNull();
        (machine.Kernel, machine.Initrd, machine.Append).ShouldBe(("/home/demo/boot/vmlinuz", "/boot/initrd", "rw loglevel=7"));
        machine.Disks.ShouldBe([new("/home/demo/disk.qcow2", "qcow2"), new("/d/raw.img", "raw", ReadOnly: true)]);
        (machine.MemoryBytes, machine.Cpus, machine.MachineType, machine.Acceleration).ShouldBe((1L << 30, 2, "q35", Acceleration.Tcg));
        machine.Attach.ShouldBe(["b", "a"]);
        (machine.Ready, machine.ReadyWithin, machine.Restart, machine.Grace).ShouldBe(("login:", TimeSpan.FromMinutes(5), RestartPolicy.Always, TimeSpan.FromMilliseconds(500)));
        machine.After.ShouldBe(["first"]);
        machine.Qemu.ShouldBe(["-device", "virtio-rng-pci"]);
    }

    [Theory]
    [InlineData("run: /bin/demo", "/bin/demo")]
    [InlineData("run: [ echo one, echo two ]", "echo one|echo two")]
    [InlineData("run: |\n      echo one\n        echo two\n", "echo one|  echo two")]
    public void Read_Run_IsLines(string run, string expected) =>
        Yaml.Good($"fabric: demo\nmachines:\n  vm0:\n    {run}\n").Machines[0].Run.ShouldBe(expected.Split('|'));

    [Fact]
    public void Read_OwnKernelWithoutReady_WaitsForNoMark() => Yaml.Good("fabric: f\nmachines: { vm0: { kernel: k } }").Machines[0].Ready.ShouldBeNull();

    [Fact]
    public void Read_Policy_IsAddedToTheMailboxesList()
    {
        AccessList allow = Yaml.Good(
            """
            fabric: demo
            mailboxes: { genz: { allow: { uid: 1 } } }
            policy:
              - { who: { uid: [ 1, 1000 ] }, may: [ join genz ] }
              - { who: { gid: kvm }, may: join genz }
            """).Mailboxes[0].Allow;
        allow.Users.ShouldBe(["1", "1000"]);
        allow.Groups.ShouldBe(["kvm"]);
    }

    [Fact]
    public void Read_Alias_StandsForItsAnchor()
    {
        FabricDeclaration fabric = Yaml.Good("fabric: f\nmachines: { a: &one { memory: 512M }, b: *one }");
        fabric.Machines[1].MemoryBytes.ShouldBe(512L << 20);
    }

    [Fact]
    public void SlotOf_Machines_CountPerMailboxInTheOrderOfTheFile()
    {
        FabricDeclaration fabric = Yaml.Good("fabric: f\nmailboxes: { a: , b: }\nmachines: { x: { attach: a }, y: { attach: [b, a] }, z: { attach: b } }");
        (fabric.SlotOf("x", "a"), fabric.SlotOf("y", "a"), fabric.SlotOf("z", "a")).ShouldBe((1, 2, null));
        (fabric.SlotOf("x", "b"), fabric.SlotOf("y", "b"), fabric.SlotOf("z", "b")).ShouldBe((null, 1, 2));
    }

    [Fact]
    public void Template_EachSize_IsAFabricWithoutFaults()
    {
        foreach (int machines in (int[])[1, 3, 14])
            Yaml.Good(FabricFile.Template("mine", machines, "../schema.json")).Machines.Count.ShouldBe(machines);
    }

    [Fact]
    public void ToJson_Declaration_WritesDefaultsOut()
    {
        string json = Yaml.Good("fabric: demo\nmailboxes: { genz: }\nmachines: { vm0: { attach: genz } }").ToJson();
        using var document = System.Text.Json.JsonDocument.Parse(json);
        document.RootElement.GetProperty("mailboxes")[0].GetProperty("clients").GetInt32().ShouldBe(14);
        document.RootElement.GetProperty("machines")[0].GetProperty("memoryBytes").GetInt64().ShouldBe(256L << 20);
        document.RootElement.GetProperty("machines")[0].GetProperty("attach")[0].GetString().ShouldBe("genz");
    }

    [Fact]
    public void Load_NoSuchFile_IsAFault() =>
        FabricFile.Load("/no/fabric.yaml").Faults.ShouldHaveSingleItem().ToString().ShouldBe("/no/fabric.yaml:1:1: There is no such file; 'tombolo init' writes one to begin with.");
}
