// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Memory;
using Tombolo.Regions;
using Tombolo.Testing;

namespace Tombolo.Exercise.Tests;

/// <summary>The host's side of the shared picture, with a painter on this host; PictureTests has one in a real guest.</summary>
public sealed class PictureCommandsTests : IAsyncLifetime, IDisposable
{
    private const string Layout = """
        { "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [
          { "device_name": "screen", "current_version": 0, "min_compatible_version": 0, "region_size": 65536, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } } ] }
        """;

    private readonly TemporaryFolder _folder = new();
    private RegionServer _server = null!;
    private RegionClient _region = null!;

    public async Task InitializeAsync()
    {
        _server = await RegionServer.StartAsync(new() { Layout = LayoutFile.Parse(System.Text.Encoding.UTF8.GetBytes(Layout), "l").Layout!, ClientSocket = _folder["c"], Doorbell = new() { SocketPath = _folder["q"], MemoryName = "picture" } });
        _region = RegionClient.Open("screen", new() { Socket = _folder["c"] });
    }

    public async Task DisposeAsync()
    {
        _region.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    private void Draw(PictureFrame frame, uint number)
    {
        SharedView data = _region.Data();
        frame.Write(data);
        byte[] pixels = new byte[frame.Bytes];
        Painter.Paint(pixels, frame, number);
        data.CopyIn(frame.At(number), pixels);
        data.WriteRelease32(PictureFrame.NumberAt, number);
        _region.Signal(_region.DataOffset, SignalSides.Host);
    }

    [Fact]
    public async Task Picture_IsAPngFile_WhosePixelsAreTheFramesOwn()
    {
        var frame = new PictureFrame(64, 48);
        Draw(frame, 7);
        (int code, string said) = await Run("picture", _folder["p.png"], "--frame", "7");
        (code, said).ShouldBe((0, $"Frame 7, 64 x 48 pixels, is in {_folder["p.png"]}.\n"));
        PngPicture picture = PngPicture.Read(_folder["p.png"]);
        byte[] painted = new byte[frame.Bytes];
        Painter.Paint(painted, frame, 7);
        (picture.Width, picture.Height).ShouldBe((64, 48));
        picture.Pixels.ShouldBe(painted);
    }

    [Fact]
    public async Task Picture_WaitsForTheFrameThatIsAskedFor()
    {
        Draw(new(8, 8), 1);
        Task<(int Code, string Said)> waiting = Run("picture", _folder["p.png"], "--frame", "3");
        for (uint number = 2; !waiting.IsCompleted; number++)
        {
            Draw(new(8, 8), number);
            await Task.WhenAny(waiting, Task.Delay(20));
        }
        uint.Parse((await waiting).Said.Split(' ', ',')[1], System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThanOrEqualTo(3u);
    }

    [Fact]
    public async Task Rate_CountsFrames()
    {
        Draw(new(8, 8), 1);
        Task<(int Code, string Said)> measuring = Run("rate", "--frames", "5");
        for (uint number = 2; !measuring.IsCompleted; number++)
        {
            Draw(new(8, 8), number);
            await Task.WhenAny(measuring, Task.Delay(5));
        }
        (await measuring).Said.ShouldMatch("^[0-9.]+ frames a second: [0-9]+ frames in [0-9.]+ s, woken for [1-5] of them.\n$");
    }

    // The painter is another party: whatever it says of its size, nobody else is harmed.
    [Theory]
    [InlineData(0u, 8u)]
    [InlineData(4096u, 4096u)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    public async Task Picture_SizeThatCannotBe_IsWaitedOver(uint width, uint height)
    {
        _region.Data().WriteRelease32(PictureFrame.WidthAt, width);
        _region.Data().WriteRelease32(PictureFrame.HeightAt, height);
        _region.Data().WriteRelease32(PictureFrame.NumberAt, 1);
        (await Should.ThrowAsync<ExerciseException>(() => Run("picture", _folder["p.png"], "--timeout", "0.05"))).Message.ShouldStartWith("After 0.1 s there is no frame after number 1 in region screen;");
        File.Exists(_folder["p.png"]).ShouldBeFalse();
    }

    private Task<(int Code, string Said)> Run(params string[] words) => Task.Run(async () =>
    {
        using var output = new StringWriter();
        ParseResult parsed = new ExerciseCommands(output, (_, _, _, _) => throw new InvalidOperationException()).Create().Parse([.. words, "--socket", _folder["c"], "--region", "screen"]);
        parsed.Errors.ShouldBeEmpty();
        int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return (code, output.ToString());
    }).Watched();
}
