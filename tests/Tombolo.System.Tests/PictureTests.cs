// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>The example of regions as a user runs it: <c>tombolo up</c>, a guest that draws through its driver, host programs that look, and SIGTERM at the end.</summary>
[Trait("Speed", "slow")]
public sealed partial class PictureTests : IDisposable
{
    private const string Word = "0x88";   // the frame's number, where the data of region screen begins
    private readonly TemporaryFolder _folder = new();

    private FabricPaths Paths => new(_folder["run"], "picture");

    public void Dispose()
    {
        _ = RealPrograms.Tombolo(_folder["run"], "down", "--fabric", "picture");
        _folder.Dispose();
    }

    [Fact]
    public void Up_GuestDraws_HostSavesAPictureAndMeasures_CommandsSeeTheWords_AndSigtermLeavesNothing()
    {
        Tombolo("up", "-f", RepositoryFile.PathOf("examples/picture/picture.yaml")).ShouldContain("Regions phone are shared: the server is there, and the driver of machine phone0.");
        Tombolo("status").ShouldContain("is there, with its driver");
        Tombolo("region", "ls").ShouldMatch("phone +screen +0x1000 +524288 +0x88 +- +phone0");

        string file = _folder["picture.png"];
        Exercise("picture", file, "--frame", "3").ShouldMatch(@"^Frame \d+, 320 x 200 pixels, is in ");
        PngPicture picture = PngPicture.Read(file);
        (picture.Width, picture.Height).ShouldBe((320, 200));
        picture.At(0, 0).Blue.ShouldBeInRange((byte)230, (byte)240, "the sky");
        picture.At(319, 199).ShouldSatisfyAllConditions(shore => shore.Red.ShouldBeInRange((byte)230, (byte)240), shore => shore.Blue.ShouldBeInRange((byte)140, (byte)155));
        double.Parse(Rate().Match(Exercise("rate", "--frames", "5")).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);

        uint seen = uint.Parse(Tombolo("region", "wait", "phone/screen", Word, "--timeout", "100"), CultureInfo.InvariantCulture);
        uint[] watched = [.. Tombolo("region", "watch", "screen", Word, "--count", "2").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => uint.Parse(line, CultureInfo.InvariantCulture))];
        watched.Length.ShouldBe(3);
        watched[0].ShouldBeGreaterThanOrEqualTo(seen);
        watched.ShouldBe(watched.Order().Distinct());
        Tombolo("region", "write", "touch", Word, "9", "--word", "--signal").ShouldBe("");
        Testing.Watchdog.Until(() => Tombolo("region", "show", "touch").Contains("host to guest: 0 of 16 slots taken, signalled word not set", StringComparison.Ordinal), "the guest's driver takes the signal");

        int daemon = FileLock.OwnerOf(Paths.Lock);
        using SafeFd handle = LinuxProcess.TryOpen(daemon).ShouldNotBeNull();
        _ = LinuxProcess.TrySignal(handle, Signal.Terminate);
        TestPeers.Watchdog.Wait(handle, EpollEvents.Readable, Testing.Watchdog.Limit).ShouldBeTrue("the daemon ends");
        Directory.Exists(Paths.Folder).ShouldBeFalse();
    }

    private string Tombolo(params string[] arguments) => Said(RealPrograms.Tombolo(_folder["run"], arguments), arguments);

    private string Exercise(params string[] arguments) =>
        Said(RealPrograms.Run(Path.Combine(AppContext.BaseDirectory, "tombolo-exercise"), [.. arguments, "--socket", Path.Combine(Paths.Folder, "phone.sock"), "--region", "screen", "--timeout", "100"], []), arguments);

    private static string Said((int Code, string Output, string Error) ran, string[] arguments)
    {
        ran.Code.ShouldBe(0, $"{string.Join(' ', arguments)}: {ran.Output}{ran.Error}");
        return ran.Output;
    }

    [GeneratedRegex("^([0-9.]+) frames a second: ")] private static partial Regex Rate();
}
