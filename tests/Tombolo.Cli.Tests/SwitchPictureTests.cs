// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

public sealed class SwitchPictureTests
{
    private static readonly PicturePort[] _ports = [new(1, "vm0 27:100"), new(2, null), new(3, "host"), new(4, "vm3"), new(5, null)];

    [Fact]
    public void Draw_Ascii_ShowsPortsInUseWithWires() => SwitchPicture.Draw(["genz", "27:600"], _ports, unicode: false).ShouldBe(
    [
        "               +--------+",
        "               |  genz  |",
        "               | 27:600 |",
        "               |        |",
        " vm0 27:100 ---+ 1    4 +--- vm3",
        "               | 2    5 |",
        "       host ---+ 3      |",
        "               +--------+",
    ]);

    [Fact]
    public void Draw_Unicode_HasTheSameShape()
    {
        IReadOnlyList<string> ascii = SwitchPicture.Draw(["genz"], _ports, unicode: false);
        IReadOnlyList<string> unicode = SwitchPicture.Draw(["genz"], _ports, unicode: true);

        unicode.Select(line => line.Length).ShouldBe(ascii.Select(line => line.Length));
        unicode[0].ShouldEndWith("┌───────┐");
        unicode[3].ShouldStartWith(" vm0 27:100 ───┤ 1");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(14)]
    [InlineData(100)]
    public void Draw_AnyNumberOfPorts_ShowsEachOnce(int count)
    {
        PicturePort[] ports = [.. Enumerable.Range(1, count).Select(id => new PicturePort(id, $"p{id}p"))];

        string all = string.Join('\n', SwitchPicture.Draw(["x"], ports, unicode: false));

        foreach (PicturePort port in ports) all.Split($"{port.Label}").Length.ShouldBe(2);
    }
}
