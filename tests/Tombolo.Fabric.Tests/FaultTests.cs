// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Fabric.Tests;

/// <summary>Exact sentences at exact places. Each text is a whole file.</summary>
public sealed class FaultTests
{
    public static TheoryData<string, string> OneFault => new()
    {
        { "", "1:1: The file declares nothing; 'tombolo init' writes one to begin with." },
        { "# only a comment\n", "1:1: The file declares nothing; 'tombolo init' writes one to begin with." },
        { "mailboxes: { genz: }", "1:1: The fabric has no name; begin the file with 'fabric: NAME'." },
        { "- a", "1:1: The fabric is a list; it must be keys with values, such as '{ fabric: … }'." },
        { "fabric: 9lives", "1:9: The fabric's name is '9lives'; it must be a letter followed by at most 30 letters, digits and '-'." },
        { "fabric:", "1:8: 'fabric' of the fabric is empty; it must be a word or a text." },
        { "fabric: f\nmailbox: {}", "2:1: 'mailbox' is no key of the fabric; did you mean 'mailboxes'?" },
        { "fabric: f\nregions: { phone: {} }", "2:12: Regions phone have no 'layout', the file that says which regions there are." },
        { "fabric: f\nregions: { phone: { layout: l, sockt: x } }", "2:32: 'sockt' is no key of regions phone; the keys are layout, qemu, clients, memory, vectors, dialect, mode, group." },
        { "fabric: f\nregions: { phone: { layout: l, qemu: a/b } }", "2:38: 'qemu' of regions phone is 'a/b'; it must be a file name, for a socket in the state folder, or an absolute path." },
        { "fabric: f\nregions: { phone: { layout: l, clients: admin.sock } }", "2:41: 'clients' of regions phone is 'admin.sock', a name that the fabric itself uses; choose another." },
        { "fabric: f\nregions: { phone: { layout: l, memory: a/b } }", "2:40: 'memory' of regions phone is 'a/b'; a shared memory object's name has 1 to 255 bytes without a slash." },
        { "fabric: f\nregions: { phone: { layout: l, qemu: s, clients: s } }", "2:50: Regions phone and regions phone have the same socket /run/t/f/s." },
        { "fabric: f\nregions: { phone: { layout: l, dialect: morse } }", "2:41: 'dialect' of regions phone is 'morse'; it must be number or words." },
        { "fabric: f\nmailboxes: { phone: { socket: m } }\nregions: { phone: { layout: l } }", "3:12: There are a mailbox and regions called phone; machines attach by name, so names must differ." },
        { "fabric: f\nregions: { phone: { layout: l } }\nmachines: { vm0: { attach: phone }, vm1: { attach: [phone] } }", "3:53: Machine vm1 attaches to regions phone, as machine vm0 does; a window of regions has place for one machine." },
        { "fabric: f\nstore: { socket: a/b }", "2:18: 'socket' of the store is 'a/b'; it must be a file name, for a socket in the state folder, or an absolute path." },
        { "fabric: f\nstore: { keys: { offer: 1 } }", "2:18: 'offer' under 'keys' is no path; it must begin with '/'." },
        { "fabric: f\nstore: { keys: { /a.b: 1 } }", "2:18: '/a.b' is no path; it must be letters, digits and '-_@' between slashes, at most 3072 bytes." },
        { "fabric: f\nstore: { keys: { /a: { chmod: x5 } } }", "2:31: 'chmod' of '/a' is 'x5': 'x5' is no permission: it is one of the letters r, w, b, n with a domain's number behind it, such as r5." },
        { "fabric: f\nstore: { keys: { /a: [1] } }", "2:22: '/a' is a list; it must be a value, or a map of 'value', 'chmod' and names of children." },
        { "fabric: f\nstore: { domains: { joe: many } }", "2:26: The domain of user 'joe' is 'many'; it must be a number from 0 to 32751." },
        { "fabric: f\nmailboxes: { m: { socket: s } }\nstore: { socket: s }", "3:18: Mailbox m and the store have the same socket /run/t/f/s." },
        { "fabric: f\nquux: {}", "2:1: 'quux' is no key of the fabric; the keys are fabric, mailboxes, store, grants, regions, switches, machines, policy." },
        { "fabric: f\nfabric: g", "2:1: 'fabric' stands here a second time; the first is in line 1." },
        { "fabric: f\nmachines: { vm0: , vm0: }", "2:20: 'vm0' stands here a second time; the first is in line 2." },
        { "fabric: f\nmachines: { vm_0: }", "2:13: 'vm_0' under 'machines' is no name; it must be a letter followed by at most 30 letters, digits and '-'." },
        { "fabric: f\nmachines: [ vm0 ]", "2:11: 'machines' is a list; it must be names with what they are, such as 'machines: { vm0: { … } }'." },
        { "fabric: f\nmailboxes: { genz: 5 }", "2:20: Mailbox genz is '5'; it must be keys with values, such as '{ socket: … }'." },
        { "fabric: f\nmailboxes: { genz: { clints: 5 } }", "2:22: 'clints' is no key of mailbox genz; did you mean 'clients'?" },
        { "fabric: f\nmailboxes: { genz: { clients: 255 } }", "2:31: 'clients' of mailbox genz is '255'; it must be a number from 1 to 254." },
        { "fabric: f\nmailboxes: { genz: { clients: many } }", "2:31: 'clients' of mailbox genz is 'many'; it must be a number from 1 to 254." },
        { "fabric: f\nmailboxes: { genz: { clients: '5' } }", "2:31: 'clients' of mailbox genz is '5'; it must be a number from 1 to 254." },
        { "fabric: f\nmailboxes: { genz: { clients: } }", "2:31: 'clients' of mailbox genz is empty; it must be a number from 1 to 254." },
        { "fabric: f\nmailboxes: { genz: { slot: 100 } }", "2:28: 'slot' of mailbox genz is '100'; it must be a size from 136 to 1M, a multiple of 8." },
        { "fabric: f\nmailboxes: { genz: { slot: 4k } }", "2:28: 'slot' of mailbox genz is '4k'; it must be a size from 136 to 1M, a multiple of 8 (such as 136)." },
        { "fabric: f\nmailboxes: { genz: { channels: 1000 } }", "2:32: 'channels' of mailbox genz is '1000'; it must be a size from 64K to 1G, a multiple of 4K." },
        { "fabric: f\nmailboxes: { genz: { slot: 513 } }", "2:28: 'slot' of mailbox genz is '513'; it must be a size from 136 to 1M, a multiple of 8." },
        { "fabric: f\nmailboxes: { genz: { recycle: yes } }", "2:31: 'recycle' of mailbox genz is 'yes'; it must be true or false." },
        { "fabric: f\nmailboxes: { genz: { mode: 0999 } }", "2:28: 'mode' of mailbox genz is '0999'; it must be permission bits in octal, 0600 to 0777." },
        { "fabric: f\nmailboxes: { genz: { vectors: 8 } }", "2:31: 'vectors' of mailbox genz is 8; 14 clients need 16, one for each possible sender and two more." },
        { "fabric: f\nmailboxes: { genz: { silent: true, manager: true } }", "2:45: Mailbox genz is silent and manager; a silent server takes no part and can manage nothing." },
        { "fabric: f\nmailboxes: { genz: { socket: sub/genz.sock } }", "2:30: 'socket' of mailbox genz is 'sub/genz.sock'; it must be a file name, for a socket in the state folder, or an absolute path." },
        { "fabric: f\nmailboxes: { genz: { socket: admin.sock } }", "2:30: 'socket' of mailbox genz is 'admin.sock', a name that the fabric itself uses; choose another." },
        { "fabric: f\nmailboxes: { a: , b: { socket: a.sock } }", "2:32: Mailbox a and mailbox b have the same socket /run/t/f/a.sock." },
        { "fabric: f\nmailboxes: { genz: { allow: { user: 5 } } }", "2:31: 'user' is no key of 'allow' of mailbox genz; the keys are uid, gid." },
        { "fabric: f\nmachines: { vm0: { image: debian } }", "2:27: 'image' of machine vm0 is 'debian'; it must be demo." },
        { "fabric: f\nmachines: { vm0: { memory: 128M } }", "2:28: 'memory' of machine vm0 is 128M; the demo image does not boot with less than 160M." },
        { "fabric: f\nmachines: { vm0: { memory: 256 } }", "2:28: 'memory' of machine vm0 is '256'; it must be a size from 16M to 1024G, a multiple of 1M; 256 alone is bytes, 256M is megabytes." },
        { "fabric: f\nmachines: { vm0: { memory: 99999999999999G } }", "2:28: 'memory' of machine vm0 is '99999999999999G'; it must be a size from 16M to 1024G, a multiple of 1M." },
        { "fabric: f\nmachines: { vm0: { restart: allways } }", "2:29: 'restart' of machine vm0 is 'allways'; did you mean 'always'?" },
        { "fabric: f\nmachines: { vm0: { restart: 7 } }", "2:29: 'restart' of machine vm0 is '7'; it must be never, on-failure or always." },
        { "fabric: f\nmachines: { vm0: { accel: [kvm] } }", "2:27: 'accel' of machine vm0 is a list; it must be auto, kvm or tcg." },
        { "fabric: f\nmachines: { vm0: { grace: 5 } }", "2:27: 'grace' of machine vm0 is '5'; it must be a duration such as 500ms, 5s or 2m, at most 1h." },
        { "fabric: f\nmachines: { vm0: { ip: 1.2.3.4 } }", "2:24: 'ip' of machine vm0 is '1.2.3.4'; it must be switches with addresses, such as { lan: 192.168.1.1/24 }." },
        { "fabric: f\nmachines: { vm0: { attach: genz } }", "2:28: 'attach' of machine vm0 names mailbox 'genz', which is not declared; there are no mailboxes." },
        { "fabric: f\nmailboxes: { genz: }\nmachines: { vm0: { attach: [ gens ] } }", "3:30: 'attach' of machine vm0 names mailbox 'gens', which is not declared; did you mean 'genz'?" },
        { "fabric: f\nmailboxes: { genz: }\nmachines: { vm0: { attach: [ genz, genz ] } }", "3:36: 'attach' of machine vm0 names 'genz' twice." },
        { "fabric: f\nmailboxes: { genz: { clients: 1 } }\nmachines: { vm0: { attach: genz }, vm1: { attach: genz } }", "3:51: Machine vm1 is number 2 of mailbox genz, which has places for 1 clients; raise 'clients'." },
        { "fabric: f\nmachines: { vm0: { after: vm0 } }", "2:27: 'after' of machine vm0 names the machine itself." },
        { "fabric: f\nmachines: { vm0: { after: vm9 }, vm1: }", "2:27: 'after' of machine vm0 names machine 'vm9', which is not declared; did you mean 'vm1'?" },
        { "fabric: f\nmachines: { a: { after: b }, b: { after: [c] }, c: { after: a }, d: { after: a } }", "2:25: Machines wait for each other in a circle: a after b after c after a." },
        { "fabric: f\nmachines: { vm0: { image: demo, kernel: k } }", "2:41: Machine vm0 has both 'image' and 'kernel'; the image brings its own." },
        { "fabric: f\nmachines: { vm0: { disks: [d], initrd: i } }", "2:40: Machine vm0 has an 'initrd' but no 'kernel' that could use it." },
        { "fabric: f\nmachines: { vm0: { kernel: k, run: x } }", "2:36: 'run' of machine vm0 needs the demo image; another image has nobody who would read it." },
        { "fabric: f\nmachines: { vm0: { qemu: -foo } }", "2:26: 'qemu' of machine vm0 is '-foo'; it must be a list of arguments, one item for each word." },
        { "fabric: f\nmachines: { vm0: { qemu: [-daemonize] } }", "2:27: 'qemu' of machine vm0 has -daemonize, which the fabric itself needs in order to watch the machine." },
        { "fabric: f\nmachines: { vm0: { append: \"a\\nb\" } }", "2:28: 'append' of machine vm0 is 'a\\u000ab'; it must be a word or a text without control characters." },
        { "fabric: f\nmachines: { vm0: { disks: [ { format: raw } ] } }", "2:29: A disk of machine vm0 has no 'path'." },
        { "fabric: f\npolicy: join", "2:9: 'policy' is 'join'; it must be a list of rules, such as '- { who: { uid: 1000 }, may: [join genz] }'." },
        { "fabric: f\npolicy: [ { who: { uid: 5 }, may: read phone } ]", "2:35: 'read phone' names regions 'phone', which are not declared; there are no regions." },
        { "fabric: f\npolicy: [ { who: { uid: 5 }, may: dance } ]", "2:35: 'dance' is no right; there are 'join MAILBOX', and 'read' and 'write REGIONS' or 'REGIONS/REGION'." },
        { "fabric: f\npolicy: [ { who: { uid: 5 } } ]", "2:11: A policy rule has no 'may'; say what is allowed, such as 'join genz'." },
        { "fabric: f\npolicy: [ { who: { uid: 5 }, may: join genz } ]", "2:35: 'join genz' names mailbox 'genz', which is not declared; there are no mailboxes." },
        { "fabric: f\nmachines: *later", "2:11: The anchor &later is not defined above." },
        { "fabric: f\n---\nfabric: g", "2:1: A second document begins here; a fabric is one document." },
        { "fabric: f\n? [a]\n: b", "2:3: A key must be a word, not a list." },
    };

    [Theory]
    [MemberData(nameof(OneFault))]
    public void Read_OneFault_IsOneSentenceAtItsPlace(string text, string expected) => Yaml.Bad(text).ShouldBe([expected]);

    [Fact]
    public void Read_SeveralFaults_AreAllReportedInTheOrderOfTheFile() => Yaml.Bad(
        """
        fabric: demo
        grants: { offer: /a }
        mailboxes:
          genz: { clients: 0, slto: 512 }
        machines:
          vm0: { memory: 64M, atach: genz }
          vm1: { attach: gnez, restart: maybe }
        """).ShouldBe([
            "2:11: 'offer' is no key of the grants; did you mean 'offers'?",
            "4:20: 'clients' of mailbox genz is '0'; it must be a number from 1 to 254.",
            "4:23: 'slto' is no key of mailbox genz; did you mean 'slot'?",
            "6:18: 'memory' of machine vm0 is 64M; the demo image does not boot with less than 160M.",
            "6:23: 'atach' is no key of machine vm0; did you mean 'attach'?",
            "7:18: 'attach' of machine vm1 names mailbox 'gnez', which is not declared; did you mean 'genz'?",
            "7:33: 'restart' of machine vm1 is 'maybe'; it must be never, on-failure or always.",
        ]);

    [Fact]
    public void Read_SocketPathTooLong_NamesThePathAndTheLimit()
    {
        string name = "/" + new string('s', 100);
        Yaml.Bad($"fabric: f\nmailboxes: {{ genz: {{ socket: {name} }} }}").ShouldBe([$"2:30: 'socket' of mailbox genz would be {name}, 101 bytes; a socket's path can have 100 here."]);
    }

    [Fact]
    public void Read_RuntimeFolderTooDeepForConsoles_NamesThePath()
    {
        string root = "/" + new string('r', 90);
        FabricReading reading = FabricFile.Parse("fabric: f\nmachines: { vm0: }"u8, "/f.yaml", root);
        reading.Faults.ShouldHaveSingleItem().Sentence.ShouldBe($"The console of machine vm0 would be {root}/f/machines/vm0/console.sock, 119 bytes; a socket's path can have 107 here.");
    }

    [Fact]
    public void Read_BytesThatAreNoUtf8_AreNamedWithTheirPlace()
    {
        FabricReading reading = FabricFile.Parse([.. "fabric: f\nab"u8, 0xFF], "f.yaml", "/run/t");
        reading.Faults.ShouldHaveSingleItem().ToString().ShouldBe("f.yaml:2:3: Here is a byte that is not UTF-8; save the file in that encoding.");
    }

    [Theory]
    [InlineData("fabric: [")]
    [InlineData("fabric: f\n\tmachines: {}")]
    [InlineData("fabric: 'f")]
    [InlineData("fabric: f\n bad: indent")]
    [InlineData("%YAML 9.9\n---\nfabric: f")]
    public void Read_NotYaml_IsAFaultNotAnException(string text) => Yaml.Bad(text).ShouldHaveSingleItem().ShouldContain("This is not YAML");

    [Fact]
    public void Read_AThousandBrackets_IsAFaultNotACrash() =>
        Yaml.Bad(new string('[', 100_000)).ShouldBe(["1:34: This is nested more than 32 levels deep."]);

    [Fact]
    public void Read_AliasesThatMultiply_AreRefusedBeforeTheyAreWrittenOut()
    {
        string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
        for (char c = 'b'; c < 'i'; c++) text += $"{c}: &{c} [{string.Join(", ", Enumerable.Repeat($"*{(char)(c - 1)}", 10))}]\n";
        Yaml.Bad(text).ShouldHaveSingleItem().ShouldEndWith("This is more than 100000 values, aliases written out.");
    }

    [Fact]
    public void Read_TooManyBytes_IsAFault() => Yaml.Bad(new string('#', (1 << 20) + 1)).ShouldBe([$"1:1: The file has {(1 << 20) + 1} bytes; at most {1 << 20} are read."]);
}
