package main

import (
	"bytes"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	startPlot   = "benchmarks-start.svg"
	networkPlot = "benchmarks-network.svg"
	scalePlot   = "benchmarks-scale.svg"
)

// Colours that can be told from white and from black, and by most of those who can't
// tell red from green (Okabe and Ito 2008).
var (
	ink    = color.RGBA{R: 128, G: 128, B: 128, A: 255}
	grid   = color.NRGBA{R: 128, G: 128, B: 128, A: 70}
	colors = []color.Color{
		color.RGBA{R: 0, G: 114, B: 178, A: 255},
		color.RGBA{R: 230, G: 159, B: 0, A: 255},
		color.RGBA{R: 0, G: 158, B: 115, A: 255},
		color.RGBA{R: 204, G: 121, B: 167, A: 255},
		color.RGBA{R: 213, G: 94, B: 0, A: 255},
		color.RGBA{R: 86, G: 180, B: 233, A: 255},
		color.RGBA{R: 150, G: 150, B: 60, A: 255},
	}
)

// newPlot has nothing behind it, and axes that can be read on any background.
func newPlot(title string) *plot.Plot {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle.Color = ink
	p.Title.Padding = vg.Points(8)
	p.Legend.TextStyle.Color = ink
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Label.TextStyle.Color, axis.Tick.Color, axis.Tick.Label.Color = ink, ink, ink, ink
	}
	return p
}

func svg(p *plot.Plot, width, height vg.Length) ([]byte, error) {
	c := vgsvg.New(width, height)
	p.Draw(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	// The library measures with its own font, which not every reader's machine has.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,sans-serif")), err
}

// isUnc tells whose bars are in unc's colour.
func isUnc(who string) bool {
	return who == "unc" || strings.HasPrefix(who, "unc ") || strings.HasPrefix(who, "unc,")
}

// horizontal draws a bar for each figure, the first on top.
func horizontal(p *plot.Plot, list []figure) ([]byte, error) {
	list = slices.Clone(list)
	slices.Reverse(list)
	var names []string
	for i, f := range list {
		bar, err := plotter.NewBarChart(plotter.Values{f.Median}, vg.Points(13))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, float64(i), 0, colors[1]
		if isUnc(f.Who) {
			bar.Color = colors[0]
		}
		p.Add(bar)
		names = append(names, f.Who)
	}
	spread, err := plotter.NewXErrorBars(quartiles(list))
	if err != nil {
		return nil, err
	}
	spread.Color = ink
	p.Add(spread)
	p.X.Min = 0
	p.NominalY(names...)
	p.Y.Tick.Label.Color, p.Y.Color = ink, ink
	vertical := plotter.NewGrid()
	vertical.Horizontal.Width, vertical.Vertical.Color = 0, grid
	p.Add(vertical)
	return svg(p, vg.Points(600), vg.Points(float64(70+22*len(list))))
}

// spread are points with the distances of their quartiles.
type spread struct {
	plotter.XYs
	plotter.XErrors
}

func quartiles(list []figure) spread {
	var s spread
	for i, f := range list {
		s.XYs = append(s.XYs, plotter.XY{X: f.Median, Y: float64(i)})
		s.XErrors = append(s.XErrors, struct{ Low, High float64 }{f.Median - f.Low, f.High - f.Median})
	}
	return s
}

func drawStart(r *results) ([]byte, error) {
	list := r.of("start")
	if len(list) == 0 {
		return nil, nil
	}
	p := newPlot("Start, run true, end: median and quartiles")
	p.X.Label.Text = "ms"
	return horizontal(p, list)
}

func drawNetwork(r *results) ([]byte, error) {
	var list []figure
	for _, m := range []struct{ measure, name string }{
		{"tcp-containers", "container to container"}, {"tcp-to-host", "container to host"}, {"tcp-from-host", "host to container"},
	} {
		for _, f := range r.of(m.measure) {
			f.Who += ", " + m.name
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	p := newPlot("TCP, one connection: median and quartiles")
	p.X.Label.Text = "Gbit/s"
	return horizontal(p, list)
}

func drawScale(r *results) ([]byte, error) {
	list := r.of("scale-start")
	if len(list) == 0 {
		return nil, nil
	}
	p := newPlot("Start of the n-th container, all others running: median of 50")
	p.X.Label.Text, p.Y.Label.Text = "containers", "ms"
	background := plotter.NewGrid()
	background.Horizontal.Color, background.Vertical.Color = grid, grid
	p.Add(background)
	for i, who := range names(list) {
		var points plotter.XYs
		for _, f := range list {
			if f.Who == who {
				points = append(points, plotter.XY{X: float64(f.At), Y: f.Median})
			}
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colors[i%len(colors)], vg.Points(2)
		marks.Color, marks.Shape, marks.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2)
		p.Add(line, marks)
		p.Legend.Add(who, line)
	}
	// Some take twenty times as long as others. There is room for the legend above.
	p.X.Min, p.Y.Min, p.Y.Max = 0, 1, 10*p.Y.Max
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	return svg(p, vg.Points(600), vg.Points(360))
}

// names are those whose figures they are, in order, each once.
func names(list []figure) []string {
	var all []string
	for _, f := range list {
		if !slices.Contains(all, f.Who) {
			all = append(all, f.Who)
		}
	}
	return all
}
