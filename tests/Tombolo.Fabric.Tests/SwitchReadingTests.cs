// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Machines;
using Tombolo.Switching;

namespace Tombolo.Fabric.Tests;

/// <summary>Switches as they are declared: defaults, every fault at its place, and what machines and the switch are told.</summary>
public sealed class SwitchReadingTests
{
    private const string Head = "fabric: f\n", Two = "machines: { vm0: { attach: lan }, vm1: { attach: lan } }\n";

    private static readonly FabricPaths _paths = new("/run/t", "f");

    public static TheoryData<string, string> OneFault => new()
    {
        { "switches: { lan: { members: 7 } }", "2:29: 'members' of switch lan is '7'; it must be ports with what they are, such as { vm0: 02:00:00:00:AA:01 }, or a list of names." },
        { "switches: { lan: { members: { 7x: } } }", "2:31: '7x' under 'members' of switch lan is no name; it must be a letter followed by at most 30 letters, digits, '-' and '_'." },
        { "switches: { lan: { members: { a: 02:00:00:00:00 } } }", "2:34: 'mac' of member a of switch lan is '02:00:00:00:00'; it must be six hexadecimal bytes between colons that name one card, such as 02:00:00:00:AA:01." },
        { "switches: { lan: { members: { a: 01:00:5e:00:00:01 } } }", "2:34: 'mac' of member a of switch lan is '01:00:5e:00:00:01'; it must be six hexadecimal bytes between colons that name one card, such as 02:00:00:00:AA:01." },
        { "switches: { lan: { members: { a: { mac: 02:00:00:00:00:01 }, b: { mac: 02:00:00:00:00:01 } } } }", "2:72: Members a and b of switch lan have the same address 02:00:00:00:00:01." },
        { "switches: { lan: { members: { a: { mtu: 67 } } } }", "2:41: 'mtu' of member a of switch lan is '67'; it must be a number from 68 to 65535." },
        { "switches: { lan: { members: { a: { link: { loss: 101% } } } } }", "2:50: 'loss' of a link of member a of switch lan is '101%'; it must be a share from 0% to 100%, such as 0.5%." },
        { "switches: { lan: { members: { a: { link: { rate: 10M } } } } }", "2:50: 'rate' of a link of member a of switch lan is '10M'; it must be a rate such as 500kbit, 10Mbit or 1Gbit." },
        { "switches: { lan: { members: { a: { to-guest: { reorder: 1% } } } } }", "2:46: A link of member a of switch lan has 'reorder' and no 'delay'; a frame overtakes others by not being delayed." },
        { "switches: { lan: { members: { a: { machine: vm9 } } } }", "2:45: Member a of switch lan names machine 'vm9', which is not declared; there are no machines." },
        { "switches: { lan: { members: { a: { socket: x/y } } } }", "2:44: 'socket' of member a of switch lan is 'x/y'; it must be a file name, for a socket in the state folder, or an absolute path." },
        { "switches: { lan: { members: { a: { socket: s }, b: { socket: s } } } }", "2:62: Member a of switch lan and member b of switch lan have the same socket /run/t/f/s." },
        { "switches: { lan: { members: [a, a] } }", "2:33: Switch lan has the member 'a' twice." },
        { "switches: { lan: { members: [a], spin: 11ms } }", "2:40: 'spin' of switch lan is '11ms'; it must be a duration such as 500ms, 5s or 2m, at most 10ms." },
        { "switches: { lan: { members: [a], ageing: 0s } }", "2:42: 'ageing' of switch lan is '0s'; it must be a duration such as 500ms, 5s or 2m, from 1s to 24h." },
        { "switches: { lan: { members: [a], topologies: [a] } }", "2:46: 'topologies' of switch lan is a list; it must be names with members, such as { front: [vm0, vm1], back: [vm1, vm2] }." },
        { "switches: { lan: { members: [card], topologies: { t: [cart] } } }", "2:55: 'members' of topology t of switch lan names 'cart', which is not declared; did you mean 'card'?" },
        { "switches: { lan: { members: [a, b], topologies: { t: { members: [a, b], partitions: [[a], [a, b]] } } } }", "2:91: 'partitions' of topology t of switch lan has 'a' in two partitions." },
        { "switches: { lan: { members: [a, b], topologies: { t: { members: [a, b], partitions: [a, b] } } } }", "2:85: 'partitions' of topology t of switch lan is a list of something else than lists; it must be a list of lists of members, such as [[vm0, vm1], [vm2]]." },
        { "switches: { lan: { members: [a, b], topologies: { t: { members: [a, b], cut: [[a]] } } } }", "2:79: 'cut' of topology t of switch lan has 1 names where a pair is wanted, such as [[vm0, vm2]]." },
        { "switches: { lan: { members: [a, b], topologies: { t: { members: [a], cut: [[a, b]] } } } }", "2:80: 'cut' of topology t of switch lan names 'b', which is not declared; there is a." },
        { "mailboxes: { lan: }\nswitches: { lan: }", "3:13: There are a mailbox and a switch called lan; machines attach by name, so names must differ." },
        { "switches: { lan: { members: [vm0] } }\nmachines: { vm0: }", "2:30: Member vm0 of switch lan is machine vm0's card, and the machine does not attach to the switch; add 'lan' to its 'attach'." },
        { "switches: { lan: { members: [a] } }\nmachines: { vm0: { attach: lan } }", "3:28: Machine vm0 attaches to switch lan, which has no member for it; add 'vm0' to its 'members'." },
        { "switches: { lan: { members: [vm0] } }\nmachines: { vm0: { attach: lan, ip: { lan: 10.1/8 } } }", "3:44: The address for 'lan' of machine vm0 is '10.1/8'; it must be an address with its prefix length, such as 192.168.1.1/24." },
        { "switches: { lan: { members: [vm0] } }\nmachines: { vm0: { attach: lan, ip: { lam: 10.0.0.1/8 } } }", "3:39: 'ip' of machine vm0 names 'lam', which is no switch or card of the machine; did you mean 'lan'?" },
        { "switches: { lan: { members: { a: { machine: vm0 }, b: { machine: vm0 } } } }\nmachines: { vm0: { attach: lan, ip: { lan: 10.0.0.1/8 } } }", "3:39: 'ip' of machine vm0 names 'lan', where the machine has several cards; name one of them instead." },
        { "switches: { lan: { members: [vm0, vm1] } }\nmachines: { vm0: { attach: lan, ip: { lan: 10.0.0.1/8 } }, vm1: { attach: lan, ip: { lan: 10.0.0.1/24 } } }", "3:84: Machines vm0 and vm1 have the same address 10.0.0.1 on switch lan." },
        { "switches: { lan: { members: [vm0] } }\nmachines: { vm0: { kernel: k, attach: lan, ip: { lan: 10.0.0.1/8 } } }", "3:48: 'ip' of machine vm0 needs the demo image; another image has nobody who would read it." },
    };

    [Theory]
    [MemberData(nameof(OneFault))]
    public void Read_OneFault_IsOneSentenceAtItsPlace(string text, string expected) => Yaml.Bad(Head + text).ShouldBe([expected]);

    [Fact]
    public void Read_Defaults_AreWrittenOut()
    {
        SwitchDeclaration lan = Yaml.Good(Head + "switches: { lan: { members: { vm0: 02:00:00:00:AA:01, vm1: , tap: { learn: true } } } }\n" + Two).Switches.ShouldHaveSingleItem();
        (lan.Name, lan.Threads, lan.Spin, lan.Ageing, lan.Mtu, lan.IsOneForAll).ShouldBe(("lan", 1, TimeSpan.FromMicroseconds(50), TimeSpan.FromMinutes(5), null, true));
        SwitchPortDeclaration port = lan.Ports[0];
        port.ShouldBe(new() { Name = "vm0", Machine = "vm0", Socket = "lan-vm0.sock", Macs = port.Macs });
        port.Macs.ShouldBe(["02:00:00:00:aa:01"]);
        lan.Ports[1].Macs.ShouldHaveSingleItem().ShouldStartWith("02:");
        lan.Ports[2].Macs.ShouldBeEmpty();
        SwitchTopologyDeclaration all = lan.Topologies.ShouldHaveSingleItem();
        (all.Name, string.Join(' ', all.Members)).ShouldBe(("lan", "vm0 vm1 tap"));
        Yaml.Good(Head + "switches: { lan: { members: [vm1, vm0] } }\n" + Two).Switches[0].Ports[0].Macs.ShouldBe(lan.Ports[1].Macs, "the same names have the same address");
    }

    [Fact]
    public void Read_EverythingSaid_ReachesTheSwitch()
    {
        SwitchDeclaration lan = Yaml.Good(Head + """
            switches:
              lan:
                mtu: 9000
                threads: 2
                spin: 0us
                ageing: 1m
                members:
                  a: { mac: [02:00:00:00:00:01, 02:00:00:00:00:02], mtu: 1500, queues: 4, backlog: 2M, mode: 0660, any-source: true }
                  b: { learn: true, connect: true, socket: /tmp/b.sock, to-guest: { rate: 10Mbit, delay: 5ms, jitter: 500us, loss: 0.5%, duplicate: 1%, reorder: 2%, seed: 7, queue: 50 } }
                topologies:
                  front: [a, b]
                  back: { members: [a, b], partitions: [[a], [b]], cut: [[b, a]] }
            """).Switches[0];
        SwitchOptions options = Translation.ToSwitch(lan, _paths);
        options.Problems().ShouldBeEmpty();
        (options.DataThreads, options.MaxSpin, options.Ageing).ShouldBe((2, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
        PortOptions a = options.Ports[0], b = options.Ports[1];
        (a.SocketPath, a.Mtu, a.QueuePairs, a.BacklogBytes, a.SocketMode, a.AllowsAnySource, a.Learns, a.Macs.Count).ShouldBe(("/run/t/f/lan-a.sock", 1500, 4, 2 << 20, (UnixFileMode)0b110110000, true, false, 2));
        (b.SocketPath, b.Mtu, b.IsClient, b.AllowsAnySource, b.Learns, b.Macs.Count, b.FromGuest).ShouldBe(("/tmp/b.sock", 9000, true, true, true, 0, null));
        b.ToGuest.ShouldBe(new() { BitsPerSecond = 10_000_000, Delay = TimeSpan.FromMilliseconds(5), Jitter = TimeSpan.FromMicroseconds(500), Loss = 0.005, Duplicate = 0.01, Reorder = 0.02, Seed = 7, QueueFrames = 50 });
        options.Topologies.Select(topology => (topology.Name, topology.Members.Count, topology.Partitions.Count, topology.Cut.Count)).ShouldBe([("front", 2, 0, 0), ("back", 2, 2, 1)]);
    }

    [Fact]
    public void Machine_ImageInAFolder_IsLikeTheDemoImage()
    {
        MachineDeclaration machine = Yaml.Good(Head + "switches: { lan: { members: [vm0] } }\nmachines: { vm0: { image: img/, attach: lan, ip: { lan: 10.0.0.1/8 }, run: [ hello ] } }").Machines[0];
        (machine.Image, machine.Ready).ShouldBe(("/home/demo/img/", ConsoleMark.Ready));
        Should.Throw<FabricException>(() => Translation.ToMachine(new() { Name = "f" }, machine, _paths)).Message.ShouldBe("Machine vm0 wants the image in /home/demo/img/, which has no vmlinuz and initramfs.cpio*.");
        Yaml.Bad(Head + "machines: { vm0: { image: dmo } }").ShouldBe(["2:27: 'image' of machine vm0 is 'dmo'; did you mean 'demo'?"]);
    }

    [Fact]
    public void Machine_SeveralCards_ComeInTheOrderOfItsAttachments_WithTheirAddresses()
    {
        FabricDeclaration declaration = Yaml.Good(Head + """
            mailboxes: { genz: }
            switches:
              lan: { mtu: 1400, members: { vm0-a: { machine: vm0, mac: 02:00:00:00:00:0A }, vm0-b: { machine: vm0, mac: 02:00:00:00:00:0B, queues: 2, mtu: 9000 } } }
              wan: { members: { vm0: { mac: 02:00:00:00:00:0C, connect: true } } }
            machines:
              vm0: { attach: [wan, genz, lan], ip: { wan: 10.0.0.1/8, vm0-b: [192.168.1.1/24, "fd00::1/64"] } }
            """);
        MachineNic[] nics = [.. Translation.Nics(declaration, declaration.Machines[0], _paths)];
        nics.Select(nic => (nic.Name, nic.SocketPath, nic.Mac, nic.Listens, nic.QueuePairs, nic.Mtu, string.Join(' ', nic.Addresses))).ShouldBe(
        [
            ("wan-vm0", "/run/t/f/wan-vm0.sock", "02:00:00:00:00:0c", true, 1, null, "10.0.0.1/8"),
            ("lan-vm0-a", "/run/t/f/lan-vm0-a.sock", "02:00:00:00:00:0a", false, 1, 1400, ""),
            ("lan-vm0-b", "/run/t/f/lan-vm0-b.sock", "02:00:00:00:00:0b", false, 2, 9000, "192.168.1.1/24 fd00::1/64"),
        ]);
    }
}
