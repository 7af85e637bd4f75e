// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Machines;

namespace Tombolo.Fabric.Tests;

public sealed class FabricDoctorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RuntimeFolder_ThatCanBeWritten_IsFine() => FabricDoctor.RuntimeFolder(_folder["new/deep"]).Verdict.ShouldBe(CheckVerdict.Ok);

    [Fact]
    public void RuntimeFolder_BelowAFile_NamesTheFix()
    {
        File.WriteAllText(_folder["file"], "");
        CheckResult row = FabricDoctor.RuntimeFolder(_folder["file/run"]);
        row.Verdict.ShouldBe(CheckVerdict.Fail);
        row.Fix!.ShouldContain("TOMBOLO_RUNTIME_DIR");
    }

    [Theory]
    [InlineData(11, CheckVerdict.Ok)]
    [InlineData(60, CheckVerdict.Warn)]
    [InlineData(90, CheckVerdict.Fail)]
    public void PathLength_RootOfALength_IsJudged(int length, CheckVerdict verdict) => FabricDoctor.PathLength("/" + new string('r', length)).Verdict.ShouldBe(verdict);

    [Fact]
    public void PathLength_NamesOfExactlyThatLength_AreAcceptedByTheReader()
    {
        string root = "/" + new string('r', 60);
        int most = int.Parse(FabricDoctor.PathLength(root).Finding.Split("have only ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        string machine = new('m', most - 1);
        FabricFile.Parse(System.Text.Encoding.UTF8.GetBytes($"fabric: f\nmachines: {{ {machine}: }}"), "/f.yaml", root).Faults.ShouldBeEmpty();
        FabricFile.Parse(System.Text.Encoding.UTF8.GetBytes($"fabric: f\nmachines: {{ {machine}m: }}"), "/f.yaml", root).Faults.Count.ShouldBe(1);
    }

    [Fact]
    public void Descriptors_TooFew_NamesNeedAndLimit()
    {
        FabricDeclaration big = Yaml.Good("fabric: big\nmailboxes: { genz: { clients: 200 } }");
        CheckResult row = FabricDoctor.Descriptors(big, 20000);
        row.Verdict.ShouldBe(CheckVerdict.Fail);
        row.Finding.ShouldBe("A process may have 20000 descriptors, but the mailboxes of big need 41178.");
        FabricDoctor.Descriptors(big, 50000).Verdict.ShouldBe(CheckVerdict.Ok);
    }

    [Fact]
    public void Memory_MoreThanThereIs_Warns()
    {
        FabricDeclaration fabric = Yaml.Good("fabric: f\nmachines: { a: { memory: 1G }, b: { memory: 1G } }");
        FabricDoctor.Memory(fabric, 2L << 30).Finding.ShouldBe("2 machines take up to 2240 MiB, but only 2048 MiB are available.");
        FabricDoctor.Memory(fabric, 4L << 30).Verdict.ShouldBe(CheckVerdict.Ok);
    }

    [Fact]
    public void AvailableBytes_OfMeminfo_IsRead() => FabricDoctor.AvailableBytes(["MemTotal: 1 kB", "MemAvailable:    2048 kB"]).ShouldBe(2 << 20);

    [Fact]
    public void Files_MissingOnes_AreNamed() =>
        FabricDoctor.Files(Yaml.Good("fabric: f\nmachines: { a: { kernel: /no/k, initrd: /no/i, disks: [/no/d] } }")).Select(row => row.Finding).ShouldBe([
            "Machine a needs /no/k, which does not exist.", "Machine a needs /no/i, which does not exist.", "Machine a needs /no/d, which does not exist.",
        ]);

    [Fact]
    public void Names_UnknownAccounts_AreNamed() =>
        FabricDoctor.Names(Yaml.Good("fabric: f\nmailboxes: { m: { group: nope, allow: { uid: [root, nobody-here], gid: 5 } } }")).Select(row => row.Finding).ShouldBe([
            "Mailbox m names user 'nobody-here', who does not exist on this host.", "Mailbox m names group 'nope', which does not exist on this host.",
        ]);

    [Fact]
    public void State_FabricWithoutOwner_NamesTheFix()
    {
        FabricDoctor.State(_folder.FullPath).ShouldHaveSingleItem().Finding.ShouldBe("No fabric runs.");
        _ = Directory.CreateDirectory(_folder["lost"]);
        File.WriteAllText(_folder["lost/fabric.yaml"], "fabric: lost\n");
        CheckResult row = FabricDoctor.State(_folder.FullPath).ShouldHaveSingleItem();
        row.Verdict.ShouldBe(CheckVerdict.Warn);
        row.Finding.ShouldBe("Fabric lost has no owner any more.");
    }

    [Fact]
    public void Examine_ThisHost_EveryFailureHasAFix() => FabricDoctor.Examine(_folder["run"], Yaml.Good("fabric: f\nmailboxes: { m: }\nmachines: { a: { attach: m } }"))
        .Where(row => row.Verdict != CheckVerdict.Ok).ShouldAllBe(row => row.Fix != null);
}
