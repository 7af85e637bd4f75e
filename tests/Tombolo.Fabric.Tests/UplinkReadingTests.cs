// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Switching;

namespace Tombolo.Fabric.Tests;

/// <summary>Uplinks as they are declared, and as they are added to a running switch: every fault at its place, and what the switch is told.</summary>
public sealed class UplinkReadingTests
{
    private const string Head = "fabric: f\n";

    private static readonly FabricPaths _paths = new("/run/t", "f");

    public static TheoryData<string, string> OneFault => new()
    {
        { "{ uplink: host0 }", "2:45: The uplink of member up of switch lan is 'host0'; it must be keys with values, such as '{ tap: … }'." },
        { "{ uplink: }", "2:45: The uplink of member up of switch lan leads nowhere; give it a 'tap', a 'stream', or a file to 'replay' or 'record'." },
        { "{ uplink: { netns: lab } }", "2:45: The uplink of member up of switch lan leads nowhere; give it a 'tap', a 'stream', or a file to 'replay' or 'record'." },
        { "{ uplink: { tap: t0, stream: s } }", "2:45: The uplink of member up of switch lan leads to a tap and a stream; it can lead to one of them." },
        { "{ uplink: { stream: s, record: /r } }", "2:45: The uplink of member up of switch lan leads to a stream and a file; it can lead to one of them." },
        { "{ uplink: { tapp: t0 } }", "2:47: 'tapp' is no key of the uplink of member up of switch lan; did you mean 'tap'?" },
        { "{ uplink: { tap: [t0] } }", "2:52: 'tap' of the uplink of member up of switch lan is a list; it must be a word or a text." },
        { "{ uplink: { tap: a-name-that-is-too-long } }", "2:52: 'tap' of the uplink of member up of switch lan is 'a-name-that-is-too-long'; an interface's name has 1 to 15 bytes without blanks, '/', ':' and '%'." },
        { "{ uplink: { tap: tap%d } }", "2:52: 'tap' of the uplink of member up of switch lan is 'tap%d'; an interface's name has 1 to 15 bytes without blanks, '/', ':' and '%'." },
        { "{ uplink: { tap: t0, netns: a/b } }", "2:63: 'netns' of the uplink of member up of switch lan is 'a/b'; it must be a name that 'ip netns' knows, or an absolute path." },
        { "{ uplink: { record: /r, netns: lab } }", "2:66: The uplink of member up of switch lan has 'netns' and no 'tap'; only a tap is in a network namespace." },
        { "{ uplink: { tap: t0, connect: true } }", "2:65: The uplink of member up of switch lan has 'connect' and no 'stream'; there is nothing else to connect to." },
        { "{ uplink: { tap: t0, mode: 0660 } }", "2:62: The uplink of member up of switch lan has 'mode' and no 'stream'; only a socket has permission bits here." },
        { "{ uplink: { stream: a/b } }", "2:55: 'stream' of the uplink of member up of switch lan is 'a/b'; it must be a file name, for a socket in the state folder, or an absolute path." },
        { "{ uplink: { stream: admin.sock } }", "2:55: 'stream' of the uplink of member up of switch lan is 'admin.sock', a name that the fabric itself uses; choose another." },
        { "{ uplink: { stream: lan-a.sock } }", "2:71: Member up of switch lan and member a of switch lan have the same socket /run/t/f/lan-a.sock." },
        { "{ uplink: { replay: /p, speed: fast } }", "2:66: 'speed' of the uplink of member up of switch lan is 'fast'; it must be how many times as fast, such as 1, 0.5 or 10, or 0 for as fast as can be." },
        { "{ uplink: { record: /p, speed: 2 } }", "2:66: The uplink of member up of switch lan has 'speed' and nothing to 'replay'." },
        { "{ uplink: { replay: /p, record: /p } }", "2:67: The uplink of member up of switch lan replays /p and records into it; these must be two files." },
        { "{ uplink: { tap: t0 }, socket: s }", "2:66: Member up of switch lan is an uplink and has 'socket'; a stream's socket is said by 'stream' under its 'uplink'." },
        { "{ connect: true, uplink: { stream: s } }", "2:46: Member up of switch lan is an uplink and has 'connect'; say it under its 'uplink', beside a 'stream'." },
        { "{ queues: 2, uplink: { tap: t0 } }", "2:45: Member up of switch lan is an uplink and has 'queues'; only a network card has several." },
        { "{ machine: vm0, uplink: { tap: t0 } }", "2:46: Member up of switch lan is an uplink and has 'machine'; it is no machine's card." },
        { "{ uplink: { tap: t0 } }, two: { uplink: { tap: t0 } }", "2:82: Member up of switch lan has the tap t0, and so does member two of switch lan; only one can." },
    };

    [Theory]
    [MemberData(nameof(OneFault))]
    public void Read_OneFault_IsOneSentenceAtItsPlace(string member, string expected) => Yaml.Bad($"{Head}switches: {{ lan: {{ members: {{ up: {member}, a: }} }} }}").ShouldBe([expected]);

    [Fact]
    public void Read_SameTapOrFileInTwoSwitches_IsAFault_AnotherNamespaceIsNone()
    {
        Yaml.Bad(Head + "switches:\n  lan: { members: { a: { uplink: { tap: t0, netns: x } } } }\n  wan: { members: { a: { uplink: { tap: t0, netns: /run/netns/x } } } }").ShouldBe(["4:41: Member a of switch lan has the tap t0 in /run/netns/x, and so does member a of switch wan; only one can."]);
        Yaml.Bad(Head + "switches: { lan: { members: { a: { uplink: { record: r } }, b: { uplink: { record: ./r } } } } }").ShouldBe(["2:84: Member a of switch lan records into /home/demo/r, and so does member b of switch lan; only one can."]);
        _ = Yaml.Good(Head + "switches: { lan: { members: { a: { uplink: { tap: t0, netns: x } }, b: { uplink: { tap: t0 } } } } }");
    }

    [Fact]
    public void Read_EachKind_ReachesTheSwitch()
    {
        SwitchDeclaration lan = Yaml.Good(Head + """
            switches:
              lan:
                mtu: 9000
                members:
                  vm0:
                  host: { uplink: { tap: host0, netns: lab }, link: { delay: 5ms } }
                  root: { uplink: { tap: host0 }, mac: 02:00:00:00:00:01, mtu: 1500, backlog: 2M }
                  here: { uplink: { stream: here.sock, mode: 0660 }, any-source: true }
                  there: { uplink: { stream: /tmp/passt_1.socket, connect: true }, learn: false }
                  file: { uplink: { replay: in.pcap, speed: 0.5, record: /tmp/out.pcapng } }
            machines: { vm0: { attach: lan } }
            """).Switches[0];
        SwitchOptions options = Translation.ToSwitch(lan, _paths);
        options.Problems().ShouldBeEmpty();
        PortOptions[] ports = [.. options.Ports.Skip(1)];
        ports.Select(port => port.Uplink).ShouldBe(
        [
            new TapUplink { Device = "host0", NetworkNamespace = "/run/netns/lab" },
            new TapUplink { Device = "host0" },
            new StreamUplink(),
            new StreamUplink(),
            new PcapUplink { Replay = "/home/demo/in.pcap", Speed = 0.5, Record = "/tmp/out.pcapng" },
        ]);
        ports.Select(port => (port.SocketPath, port.IsClient, port.Learns, port.AllowsAnySource, port.Macs.Count)).ShouldBe(
        [
            ("", false, true, true, 0),
            ("", false, false, false, 1),
            ("/run/t/f/here.sock", false, false, true, 0),
            ("/tmp/passt_1.socket", true, false, false, 0),
            ("", false, true, true, 0),
        ]);
        (ports[0].Mtu, ports[0].ToGuest?.Delay, ports[1].Mtu, ports[1].BacklogBytes, ports[2].SocketMode).ShouldBe((9000, TimeSpan.FromMilliseconds(5), 1500, 2 << 20, (UnixFileMode)0b110110000));
        lan.Ports[0].Machine.ShouldBe("vm0");
    }

    [Fact]
    public void Uplink_NamedAsAMachine_IsNotItsCard()
    {
        Yaml.Bad(Head + "switches: { lan: { members: { vm0: { uplink: { tap: t0 } } } } }\nmachines: { vm0: { attach: lan } }").ShouldBe(["3:28: Machine vm0 attaches to switch lan, which has no member for it; add 'vm0' to its 'members'."]);
        Yaml.Good(Head + "switches: { lan: { members: { vm0: { uplink: { tap: t0 } } } } }\nmachines: { vm0: }").Switches[0].Ports[0].Machine.ShouldBeNull();
    }

    [Fact]
    public void Add_AnUplink_IsAsDeclaredOnes_AndItsFaultsAreTold()
    {
        SwitchDeclaration lan = Yaml.Good(Head + "switches: { lan: { members: { a: 02:00:00:00:00:0a, up: { uplink: { tap: t0, netns: lab } } } } }").Switches[0];
        SwitchEdit edit = new("f", lan);
        SwitchPortDeclaration added = edit.Add(lan, new() { Name = "more", Uplink = new() { IsStream = true }, Socket = "/tmp/s", Connects = true }).Ports[^1];
        added.ShouldBe(new() { Name = "more", Uplink = new() { IsStream = true }, Socket = "/tmp/s", Connects = true, Learns = true, Macs = added.Macs });
        added.Macs.ShouldBeEmpty();
        edit.Add(lan, new() { Name = "more", Uplink = new() { Tap = "t1" }, Settings = new() { Macs = ["02:00:00:00:00:01"] } }).Ports[^1].Learns.ShouldBeFalse();
        SwitchDeclaration without = SwitchEdit.Remove(lan, "up");
        edit.Add(without, new() { Name = "up" }).Ports[^1].ShouldBe(lan.Ports[1]);
        edit.Add(without, new() { Name = "a2", Uplink = new() { Tap = "t0", NetworkNamespace = "lab" } }).Ports.Count.ShouldBe(2);
        Refused(new() { Name = "more", Uplink = new() { Tap = "t 0" } }, "'tap' of the uplink of port 'more' is 't 0'; an interface's name has 1 to 15 bytes without blanks, '/', ':' and '%'.");
        Refused(new() { Name = "more", Uplink = new() { Tap = "t0", NetworkNamespace = "lab" } }, "Another port of switch lan has the tap t0 in /run/netns/lab; only one can.");
        Refused(new() { Name = "more", Uplink = new() { Tap = "t1" }, Connects = true }, "The uplink of port 'more' has 'connect' and no 'stream'; there is nothing else to connect to.");
        Refused(new() { Name = "more", Uplink = new() { Tap = "t1" }, Queues = 2 }, "Port 'more' is an uplink and has 'queues'; only a network card has several.");
        Refused(new() { Name = "more", Uplink = new() { Tap = "t1" }, Socket = "s" }, "The uplink of port 'more' has a socket and is no stream; only a stream has one.");

        void Refused(SwitchPortAddition addition, string sentence) => Should.Throw<FabricException>(() => edit.Add(lan, addition)).Message.ShouldBe(sentence);
    }
}
